//! How rows are dealt to partitions when fewer are wanted than there are: pure arithmetic.

/// A partition that rows are dealt to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hand {
    /// Calls that are left of its tightest quota; the same for all where that is not known of each.
    pub(super) weight: u64,
    /// Whether it may have more rows.
    pub(super) is_open: bool,
}

/// How many of `rows` each takes: in proportion to the weights, so that the quotas fill evenly. Together never more than
/// `rows`, and exactly as many while one is open. What does not come out even goes to the first of the largest remainders.
pub(super) fn shares(rows: u64, hands: &[Hand]) -> Vec<u64> {
    let open: Vec<&Hand> = hands.iter().filter(|hand| hand.is_open).collect();
    let is_even = open.iter().all(|hand| hand.weight == 0);
    let weight = |hand: &Hand| match (hand.is_open, is_even) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => u128::from(hand.weight),
    };
    let total: u128 = hands.iter().map(weight).sum();
    if total == 0 {
        return vec![0; hands.len()];
    }
    let exact: Vec<(u128, u128)> = hands
        .iter()
        .map(|hand| {
            let product = u128::from(rows) * weight(hand);
            (product / total, product % total)
        })
        .collect();
    let mut shares: Vec<u64> = exact.iter().map(|(whole, _)| u64::try_from(*whole).unwrap_or(u64::MAX)).collect();
    let mut left = rows.saturating_sub(shares.iter().sum());
    let mut places: Vec<usize> = (0..hands.len()).filter(|&place| exact[place].1 > 0).collect();
    places.sort_by_key(|&place| (std::cmp::Reverse(exact[place].1), place));
    for place in places {
        if left == 0 {
            break;
        }
        shares[place] += 1;
        left -= 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hand(weight: u64) -> Hand {
        Hand { weight, is_open: true }
    }

    #[test]
    fn rows_are_dealt_in_proportion() {
        let closed = Hand { weight: 9, is_open: false };
        for (rows, hands, expected) in [
            (10, vec![hand(0), hand(0), hand(0)], vec![4, 3, 3]),
            (2, vec![hand(0), hand(0), hand(0)], vec![1, 1, 0]),
            (0, vec![hand(5), hand(5)], vec![0, 0]),
            (10, vec![hand(30), hand(10)], vec![8, 2]),
            (10, vec![hand(30), hand(0)], vec![10, 0]),
            (7, vec![closed, hand(1), hand(1)], vec![0, 4, 3]),
            (7, vec![closed], vec![0]),
            (7, vec![], vec![]),
        ] {
            assert_eq!(shares(rows, &hands), expected, "{rows} {hands:?}");
        }
        assert_eq!(shares(u64::MAX, &[hand(u64::MAX), hand(u64::MAX)]), [u64::MAX / 2 + 1, u64::MAX / 2]);
    }

    proptest! {
        #[test]
        fn never_more_than_there_are_and_each_its_part(
            rows in 0_u64..100_000,
            hands in prop::collection::vec((0_u64..1000, any::<bool>()), 0..40),
        ) {
            let hands: Vec<Hand> = hands.into_iter().map(|(weight, is_open)| Hand { weight, is_open }).collect();
            let shares = shares(rows, &hands);
            let has_open = hands.iter().any(|hand| hand.is_open);
            prop_assert_eq!(shares.iter().sum::<u64>(), if has_open { rows } else { 0 });
            let total: u64 = hands.iter().filter(|hand| hand.is_open).map(|hand| hand.weight).sum();
            for (hand, share) in hands.iter().zip(&shares) {
                if !hand.is_open {
                    prop_assert_eq!(*share, 0);
                } else if total > 0 {
                    let exact = u128::from(rows) * u128::from(hand.weight) / u128::from(total);
                    prop_assert!(u128::from(*share) == exact || u128::from(*share) == exact + 1);
                }
            }
            if total == 0 {
                let open = || hands.iter().zip(&shares).filter(|(hand, _)| hand.is_open).map(|(_, share)| *share);
                prop_assert!(open().max().unwrap_or(0) - open().min().unwrap_or(0) <= 1);
            }
        }
    }
}
