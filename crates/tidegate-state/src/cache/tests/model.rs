//! Random calls, while the thread writes in the background: what is read is always what was put last.

use std::collections::HashMap;

use super::*;

#[test]
fn what_is_read_is_what_was_put_last() {
    const KEYS: u64 = 12;
    let mut random = Random::new();
    let folder = TempDir::new().unwrap();
    let cache = CacheDb::new(folder.path(), DEFAULT_CACHE_BYTES, Duration::ZERO, String::new().into());
    let mut model: HashMap<u64, CachedAnswer> = HashMap::new();
    for step in 0..3_000 {
        let number = random.below(KEYS);
        match random.below(20) {
            0..8 => {
                let answer = answer(step, random.below(6_000) as usize, step);
                model.insert(number, answer.clone());
                cache.put(&key(number), label("u"), answer).unwrap();
            }
            8..10 => {
                model.remove(&number);
                cache.remove(&key(number)).unwrap();
            }
            10 => cache.flush().unwrap(),
            11 => cache.touch(&[key(number)], at(step)).unwrap(),
            12 if step % 10 == 0 => {
                model.clear();
                cache.clear(None).unwrap();
            }
            13 => assert_eq!(cache.lines("local", 99).unwrap().len(), model.len()),
            _ => assert_eq!(cache.get(&key(number)).unwrap().as_ref(), model.get(&number), "step {step}"),
        }
    }
    drop(cache);
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    for number in 0..KEYS {
        assert_eq!(cache.get(&key(number)).unwrap().as_ref(), model.get(&number), "{number}");
    }
}

#[test]
fn threads_share_one() {
    let folder = TempDir::new().unwrap();
    let cache = CacheDb::new(folder.path(), DEFAULT_CACHE_BYTES, Duration::from_millis(1), String::new().into());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                for n in 0..100 {
                    let number = thread * 100 + n;
                    put(cache, number, 3_000, n);
                    assert_eq!(cache.get(&key(number)).unwrap(), Some(answer(number, 3_000, n)));
                    if n % 10 == 0 {
                        cache.note_write(SCOPE, at(number)).unwrap();
                        assert!(cache.written(SCOPE).unwrap() >= Some(at(number)));
                    }
                }
            });
        }
    });
    assert_eq!(stored(&cache, 400).len(), 400);
}
