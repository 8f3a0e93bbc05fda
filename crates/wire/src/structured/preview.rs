//! The valid part of JSON that is still coming. All work is linear in the text: each byte is taken in once, and what
//! is there is read again only after it has grown by a part of itself.

use jiter::{JsonValue, PartialMode};
use run::snapshot::{Progress, Snapshot};
use run::{MAX_VALUE_DEPTH, Role, depth, text_of};
use serde_json::{Number, Value};

use super::clean::{Cleaner, Form};
use super::find::{Opening, find};
use crate::limits::{PREVIEW_BYTES, PREVIEW_STEP_BYTES, PREVIEW_STEP_FRACTION};

/// The preview of one message.
#[derive(Debug, Clone)]
pub struct Preview {
    opening: Opening,
    /// The value, once its first bracket has come.
    cleaner: Option<Cleaner>,
    /// Length of what was last read.
    last_read: usize,
    /// Bytes read so far, for those who count.
    n_read: u64,
    value: Value,
}

impl Preview {
    /// A preview of an answer that is to fit a schema.
    pub fn new(schema: &Value) -> Self {
        Self {
            opening: Opening::of(schema),
            cleaner: None,
            last_read: 0,
            n_read: 0,
            value: Value::Null,
        }
    }

    /// The valid part so far; null while there is none.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Bytes that were read so far, repeated reading counted.
    pub fn n_read_bytes(&self) -> u64 {
        self.n_read
    }

    /// Takes more text; gives whether the preview changed.
    pub fn push(&mut self, text: &str) -> bool {
        let mut changed = false;
        let mut rest = text;
        while !rest.is_empty() {
            let Some(cleaner) = &mut self.cleaner else {
                let Some(at) = self.opening.next(rest) else {
                    break;
                };
                rest = &rest[at..];
                self.cleaner = Some(Cleaner::new());
                self.last_read = 0;
                continue;
            };
            if cleaner.form() == Form::Closed || cleaner.cleaned().len() > PREVIEW_BYTES {
                break;
            }
            rest = &rest[cleaner.push(rest)..];
            let grown = cleaner.cleaned().len() - self.last_read;
            let step = PREVIEW_STEP_BYTES.max(self.last_read / PREVIEW_STEP_FRACTION);
            match cleaner.form() {
                Form::Open if grown >= step => changed |= self.read(),
                Form::Open => {}
                Form::Closed => changed |= self.read(),
                Form::Prose => self.cleaner = None,
            }
        }
        changed
    }

    /// The message is complete: reads all of it. `text` is its whole text, where that is known.
    pub fn complete(&mut self, text: Option<&str>) -> bool {
        let Some(text) = text else {
            return self.read();
        };
        self.n_read += text.len() as u64;
        match find(text, self.opening).values.into_iter().next() {
            Some((_, value)) if depth(&value) <= MAX_VALUE_DEPTH => self.set(value),
            Some(_) | None => self.read(),
        }
    }

    /// The message is to be forgotten.
    pub fn reset(&mut self) -> bool {
        self.cleaner = None;
        self.last_read = 0;
        self.set(Value::Null)
    }

    /// Takes a value that is known to be right.
    pub fn set(&mut self, value: Value) -> bool {
        let changed = self.value != value;
        self.value = value;
        changed
    }

    /// Reads what is there. A closed value that is no JSON makes way for the next one.
    fn read(&mut self) -> bool {
        let Some(cleaner) = &self.cleaner else {
            return false;
        };
        let text = cleaner.settled().as_bytes();
        self.last_read = cleaner.cleaned().len();
        self.n_read += text.len() as u64;
        let is_closed = cleaner.form() == Form::Closed;
        match JsonValue::parse_with_config(text, false, PartialMode::TrailingStrings) {
            Ok(value) => {
                let value = plain(&value);
                // Readers of JSON could not read it.
                depth(&value) <= MAX_VALUE_DEPTH && self.set(value)
            }
            Err(_) if is_closed => self.reset(),
            Err(_) => false,
        }
    }
}

/// The preview of a run's last answer, from its snapshot. Null while there is none.
pub fn preview_of(schema: &Value, snapshot: &Snapshot) -> Value {
    let mut preview = Preview::new(schema);
    fill(&mut preview, snapshot);
    preview.value
}

/// Brings a preview to where a snapshot is; gives the message that it is of.
pub(super) fn fill(preview: &mut Preview, snapshot: &Snapshot) -> Option<run::MessageId> {
    let mut messages = snapshot.messages.iter().rev();
    let last = messages.find(|message| message.role == Role::Assistant)?;
    let text = text_of(&last.parts);
    match last.progress {
        Progress::Open => {
            preview.push(&text);
            preview.read();
        }
        Progress::Completed => {
            preview.push(&text);
            preview.complete(Some(&text));
        }
        Progress::Interrupted => {
            preview.push(&text);
            preview.complete(None);
        }
        Progress::Discarded => {}
    }
    Some(last.message.clone())
}

/// The same value in the type that everything else has.
fn plain(value: &JsonValue<'_>) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(it) => Value::Bool(*it),
        JsonValue::Int(it) => Value::from(*it),
        JsonValue::Float(it) => Number::from_f64(*it).map_or(Value::Null, Value::Number),
        JsonValue::Str(it) => Value::String(it.clone().into_owned()),
        JsonValue::Array(items) => items.iter().map(plain).collect(),
        JsonValue::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, value)| (key.clone().into_owned(), plain(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The preview behind a text, read once at its end, and that behind the same text byte by byte.
    #[track_caller]
    fn check(text: &str, expected: &Value) {
        let any = json!({});
        let mut whole = Preview::new(&any);
        whole.push(text);
        whole.read();
        assert_eq!(whole.value(), expected, "{text}");
        let mut bytewise = Preview::new(&any);
        for c in text.chars() {
            bytewise.push(c.encode_utf8(&mut [0; 4]));
        }
        bytewise.read();
        assert_eq!(bytewise.value(), expected, "{text} in pieces");
    }

    #[test]
    fn the_valid_part_so_far_is_shown() {
        check("", &json!(null));
        check("Here it is: ", &json!(null));
        check("{", &json!({}));
        check("{\"na", &json!({}));
        check("{\"name\"", &json!({}));
        check("{\"name\": ", &json!({}));
        check("{\"name\": \"Le", &json!({"name": "Le"}));
        check("{\"name\": \"Le\\", &json!({"name": "Le"}));
        check("{\"name\": \"Le\\u00", &json!({"name": "Le"}));
        check("{\"name\": \"Legs\", \"n", &json!({"name": "Legs"}));
        check("{\"sets\": [1, 2", &json!({"sets": [1]}));
        check("{\"sets\": [1, 2,", &json!({"sets": [1, 2]}));
        check("{\"sets\": [1, -", &json!({"sets": [1]}));
        check("{\"sets\": [true, fal", &json!({"sets": [true]}));
        check(
            "{\"days\": [{\"a\": 1}, {\"a\": [\"x",
            &json!({"days": [{"a": 1}, {"a": ["x"]}]}),
        );
    }

    #[test]
    fn it_begins_as_leniently_as_the_output_is_found() {
        check("The set {a} is: ```json\n{\"a\": \"b", &json!({"a": "b"}));
        check(
            "{\"a\": 1, // one\n \"b\": [2,], }",
            &json!({"a": 1, "b": [2]}),
        );
        check("{\"a\" 1} {\"b\": 2}", &json!({"b": 2}));
        check("{\"a\": 1} and then {\"b\": 2}", &json!({"a": 1}));
    }

    #[test]
    fn what_nests_too_deep_is_not_shown() {
        let deep = "[".repeat(MAX_VALUE_DEPTH + 10);
        let mut preview = Preview::new(&json!({}));
        preview.push(&deep);
        preview.complete(Some(&(deep.clone() + &"]".repeat(deep.len()))));
        assert!(depth(preview.value()) <= MAX_VALUE_DEPTH);
        preview.push(&"[".repeat(100_000));
        preview.complete(None);
        assert!(depth(preview.value()) <= MAX_VALUE_DEPTH);
    }

    #[test]
    fn a_discarded_message_leaves_nothing() {
        let mut preview = Preview::new(&json!({"type": "object"}));
        assert!(preview.push("[1] {\"a\": \"01234567890123456789012345678901234567\""));
        assert!(preview.reset());
        assert_eq!(preview.value(), &Value::Null);
        preview.push("{\"b\": 1}");
        assert_eq!(preview.value(), &json!({"b": 1}));
    }

    #[test]
    fn a_megabyte_in_small_pieces_is_read_a_bounded_number_of_times() {
        let items: Vec<Value> = (0..20_000)
            .map(|n| json!({"n": n, "text": "forty characters of text, more or less"}))
            .collect();
        let text = json!({ "items": items }).to_string();
        assert!(text.len() > 1_000_000);
        let mut preview = Preview::new(&json!({"type": "object"}));
        let mut n_changes = 0;
        for piece in text.as_bytes().chunks(4) {
            n_changes += u32::from(preview.push(std::str::from_utf8(piece).unwrap()));
        }
        assert!(preview.complete(Some(&text)) || preview.value()["items"][19_999]["n"] == 19_999);
        // A geometric sum: the last reading, and before it 16 times as much.
        let n_read = preview.n_read_bytes();
        assert!(
            n_read < 20 * text.len() as u64,
            "{n_read} bytes for {}",
            text.len()
        );
        assert!((100..400).contains(&n_changes), "{n_changes}");
    }

    #[test]
    fn a_text_beyond_the_bound_keeps_its_preview() {
        let mut preview = Preview::new(&json!({}));
        preview.push("{\"a\": \"");
        for _ in 0..PREVIEW_BYTES / 1024 + 2 {
            preview.push(&"x".repeat(1024));
        }
        let n_read = preview.n_read_bytes();
        assert!(!preview.push(&"x".repeat(1024 * 1024)));
        assert_eq!(preview.n_read_bytes(), n_read);
    }

    /// Values as a model may say them.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(|float: f64| json!(float)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Whether a value can still become another one: what is there stays, only the last things grow.
    fn grows_into(part: &Value, whole: &Value) -> bool {
        match (part, whole) {
            (Value::String(part), Value::String(whole)) => whole.starts_with(part.as_str()),
            (Value::Array(part), Value::Array(whole)) => {
                part.len() <= whole.len() && part.iter().zip(whole).all(|(a, b)| grows_into(a, b))
            }
            (Value::Object(part), Value::Object(whole)) => part
                .iter()
                .all(|(key, a)| whole.get(key).is_some_and(|b| grows_into(a, b))),
            (part, whole) => part == whole,
        }
    }

    proptest! {
        #[test]
        fn every_beginning_of_an_answer_has_a_preview_that_the_output_keeps(value in any_value(), pretty: bool) {
            let value = json!({ "it": value });
            let text = if pretty {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            };
            let mut at = 0;
            let mut preview = Preview::new(&json!({}));
            for c in text.chars() {
                at += c.len_utf8();
                preview.push(c.encode_utf8(&mut [0; 4]));
                let mut now = Preview::new(&json!({}));
                now.push(&text[..at]);
                now.read();
                prop_assert!(grows_into(now.value(), &value), "{} of {}", now.value(), text);
                let shown = preview.value();
                prop_assert!(shown.is_null() || grows_into(shown, now.value()));
            }
            prop_assert_eq!(preview.value(), &value);
        }

        #[test]
        fn any_text_has_some_preview_and_some_output(text: String) {
            let mut preview = Preview::new(&json!({}));
            preview.push(&text);
            preview.complete(None);
            preview.complete(Some(&text));
        }
    }
}
