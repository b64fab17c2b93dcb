//! Each format over the same few rows; and the properties that only large or odd results show.

use std::io::Write;
use std::sync::{Arc, Mutex};

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::arrow::record_batch::RecordBatch;

use super::*;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written(format: Format, batches: &[RecordBatch], width: Option<usize>) -> (Vec<u8>, Option<String>) {
    let kept = Kept::default();
    let sink = Sink::new(kept.clone());
    let mut writer = writer(format, false, &batches[0].schema(), &sink, width).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    let note = writer.finish().unwrap();
    drop(sink);
    let bytes = kept.0.lock().unwrap().clone();
    (bytes, note)
}

fn text(format: Format, batch: &RecordBatch, width: Option<usize>) -> String {
    String::from_utf8(written(format, std::slice::from_ref(batch), width).0).unwrap()
}

fn texts(name: &str, values: &[Option<&str>]) -> RecordBatch {
    let array: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
    RecordBatch::try_from_iter_with_nullable([(name, array, true)]).unwrap()
}

fn mixed() -> RecordBatch {
    let decimals = Decimal128Array::from(vec![Some(1_234_500), None]).with_precision_and_scale(15, 2).unwrap();
    let times = TimestampMicrosecondArray::from(vec![Some(1_700_000_000_123_000), None]).with_timezone("UTC");
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), None]))),
        ("name", Arc::new(StringArray::from(vec![Some("a \"b\", c"), Some("")]))),
        ("sum", Arc::new(decimals)),
        ("rate", Arc::new(Float64Array::from(vec![Some(0.5), None]))),
        ("on", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(19_000), None]))),
        ("at", Arc::new(times)),
        ("tags", Arc::new(list)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

#[test]
fn each_text_format_writes_each_type() {
    let cases = [
        (
            Format::Csv,
            "id,name,sum,rate,on,day,at,tags\n\
             9007199254740993,\"a \"\"b\"\", c\",12345.00,0.5,true,2022-01-08,2023-11-14T22:13:20.123Z,\"[1,null]\"\n\
             ,\"\",,,,,,\n",
        ),
        (
            Format::Json,
            "[{\"id\":9007199254740993,\"name\":\"a \\\"b\\\", c\",\"sum\":12345.00,\"rate\":0.5,\"on\":true,\
             \"day\":\"2022-01-08\",\"at\":\"2023-11-14T22:13:20.123Z\",\"tags\":[1,null]},\
             {\"id\":null,\"name\":\"\",\"sum\":null,\"rate\":null,\"on\":null,\"day\":null,\"at\":null,\"tags\":null}]\n",
        ),
        (
            Format::Markdown,
            "| id | name | sum | rate | on | day | at | tags |\n\
             | ---: | --- | ---: | ---: | --- | --- | --- | --- |\n\
             | 9007199254740993 | a \"b\", c | 12345.00 | 0.5 | true | 2022-01-08 | 2023-11-14T22:13:20.123Z | [1,null] |\n\
             |  |  |  |  |  |  |  |  |\n\n",
        ),
        (
            Format::Table,
            "\
┌──────────────────┬──────────┬──────────┬──────┬──────┬────────────┬──────────────────────────┬──────────┐
│ id               │ name     │ sum      │ rate │ on   │ day        │ at                       │ tags     │
├──────────────────┼──────────┼──────────┼──────┼──────┼────────────┼──────────────────────────┼──────────┤
│ 9007199254740993 │ a \"b\", c │ 12345.00 │  0.5 │ true │ 2022-01-08 │ 2023-11-14T22:13:20.123Z │ [1,null] │
│             NULL │          │     NULL │ NULL │ NULL │ NULL       │ NULL                     │ NULL     │
└──────────────────┴──────────┴──────────┴──────┴──────┴────────────┴──────────────────────────┴──────────┘
",
        ),
    ];
    for (format, expected) in cases {
        assert_eq!(text(format, &mixed(), None), expected, "{format:?}");
    }
}

#[test]
fn binary_formats_are_read_back_as_they_were() {
    let batch = mixed();
    let (bytes, _) = written(Format::Arrow, &[batch.clone(), batch.clone()], None);
    let reader = datafusion::arrow::ipc::reader::StreamReader::try_new(bytes.as_slice(), None).unwrap();
    let read: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(read, [batch.clone(), batch.clone()]);

    let (bytes, _) = written(Format::Parquet, std::slice::from_ref(&batch), None);
    let file = datafusion::parquet::file::reader::SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    use datafusion::parquet::file::reader::FileReader;
    assert_eq!(file.metadata().file_metadata().num_rows(), 2);
}

#[test]
fn no_rows_are_a_result_too() {
    let empty = texts("a", &[]);
    let cases = [
        (Format::Csv, "a\n"),
        (Format::Json, "[]\n"),
        (Format::Ndjson, ""),
        (Format::Markdown, "| a |\n| --- |\n\n"),
        (Format::Table, "┌───┐\n│ a │\n├───┤\n└───┘\n"),
    ];
    for (format, expected) in cases {
        assert_eq!(text(format, &empty, None), expected, "{format:?}");
    }
}

#[test]
fn one_name_twice_is_told_apart_where_values_are_found_by_name() {
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let names = ["id", "id", "id_1", "id"];
    let batch = RecordBatch::try_from_iter(names.map(|name| (name, Arc::clone(&one)))).unwrap();
    assert_eq!(text(Format::Ndjson, &batch, None), "{\"id\":1,\"id_2\":1,\"id_1\":1,\"id_3\":1}\n");
    assert_eq!(text(Format::Csv, &batch, None), "id,id,id_1,id\n1,1,1,1\n");
}

#[test]
fn text_stays_in_its_cell() {
    let cases = [
        (Format::Csv, "a,b\nc", "v\n\"a,b\nc\"\n"),
        (Format::Csv, " kept ", "v\n kept \n"),
        (Format::Markdown, "a|b\nc", "| v |\n| --- |\n| a\\|b<br>c |\n\n"),
        (Format::Table, "a\nbc", "┌────┐\n│ v  │\n├────┤\n│ a  │\n│ bc │\n└────┘\n"),
        (Format::Table, "\u{1b}[2J", "┌───────────┐\n│ v         │\n├───────────┤\n│ \\u{1b}[2J │\n└───────────┘\n"),
        (Format::Table, "日本", "┌──────┐\n│ v    │\n├──────┤\n│ 日本 │\n└──────┘\n"),
    ];
    for (format, value, expected) in cases {
        assert_eq!(text(format, &texts("v", &[Some(value)]), None), expected, "{format:?} {value:?}");
    }
}

#[test]
fn a_value_is_marked_among_others_that_need_not_be() {
    let all = texts("v", &[Some("x,y"), Some("a"), None, Some("b\"c"), Some(""), Some("d")]);
    let cases = [
        (Format::Csv, 0, "v\n\"x,y\"\na\n\n\"b\"\"c\"\n\"\"\nd\n"),
        (Format::Csv, 4, "v\n\"\"\nd\n"),
        (Format::Ndjson, 3, "{\"v\":\"b\\\"c\"}\n{\"v\":\"\"}\n{\"v\":\"d\"}\n"),
        (Format::Json, 4, "[{\"v\":\"\"},{\"v\":\"d\"}]\n"),
    ];
    for (format, first, expected) in cases {
        let rows = all.slice(first, all.num_rows() - first);
        assert_eq!(text(format, &rows, None), expected, "{format:?} from {first}");
    }
}

#[test]
fn a_table_is_cut_only_on_a_terminal_and_says_so() {
    let batch = texts("v", &[Some("abcdefghijklmnopqrstuvwxyz")]);
    let (bytes, note) = written(Format::Table, std::slice::from_ref(&batch), Some(16));
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "┌──────────────┐\n│ v            │\n├──────────────┤\n│ abcdefghijk… │\n└──────────────┘\n"
    );
    assert!(note.unwrap().contains("--format csv"));
    let (bytes, note) = written(Format::Table, &[batch], None);
    assert!(String::from_utf8(bytes).unwrap().contains("abcdefghijklmnopqrstuvwxyz"));
    assert_eq!(note, None);
}

#[test]
fn a_table_of_too_many_columns_is_turned() {
    let value: ArrayRef = Arc::new(StringArray::from(vec!["a long value"]));
    let batch = RecordBatch::try_from_iter(["one", "second", "c"].map(|name| (name, Arc::clone(&value)))).unwrap();
    let (bytes, note) = written(Format::Table, &[batch], Some(20));
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "── row 1 ──\none    │ a long value\nsecond │ a long value\nc      │ a long value\n"
    );
    assert_eq!(note, None, "nothing is cut");
}

#[test]
fn a_table_prints_every_row_however_many() {
    let values: Vec<_> = (0..2_500).map(|n| format!("{n}{}", "x".repeat(n / 1_000))).collect();
    let values: Vec<_> = values.iter().map(|value| Some(value.as_str())).collect();
    let text = text(Format::Table, &texts("v", &values), Some(80));
    assert_eq!(text.lines().filter(|line| line.starts_with('│')).count(), 2_501);
    for value in values.into_iter().flatten() {
        assert!(text.contains(&format!("│ {value} ")), "{value}");
    }
}

#[test]
fn a_plan_is_text() {
    let kept = Kept::default();
    let sink = Sink::new(kept.clone());
    let batch = RecordBatch::try_from_iter([
        ("plan_type", Arc::new(StringArray::from(vec!["physical_plan"])) as ArrayRef),
        ("plan", Arc::new(StringArray::from(vec!["A\n  B\n"])) as ArrayRef),
    ])
    .unwrap();
    let mut writer = writer(Format::Table, true, &batch.schema(), &sink, Some(5)).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    assert_eq!(String::from_utf8(kept.0.lock().unwrap().clone()).unwrap(), "physical_plan:\nA\n  B\n");
}

#[test]
fn a_reader_that_has_gone_is_told_from_a_full_disk() {
    struct Failing(std::io::ErrorKind);
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let batch = mixed();
    for format in
        [Format::Table, Format::Csv, Format::Json, Format::Ndjson, Format::Arrow, Format::Parquet, Format::Markdown]
    {
        for (kind, is_gone) in [(std::io::ErrorKind::BrokenPipe, true), (std::io::ErrorKind::StorageFull, false)] {
            let sink = Sink::new(Failing(kind));
            let run = || {
                let mut writer = writer(format, false, &batch.schema(), &sink, None)?;
                writer.write(&batch)?;
                writer.finish()
            };
            let error = run().unwrap_err();
            assert_eq!(matches!(error, WriteError::ReaderGone), is_gone, "{format:?} {error:?}");
            assert_eq!(matches!(error, WriteError::Io(_)), !is_gone, "{format:?} {error:?}");
        }
    }
}
