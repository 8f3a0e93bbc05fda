//! From a server's result to what a model reads.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use crate::secret::Redactor;
use crate::{Media, ToolOutput, cut, limits};

/// Reads a result, within bounds. What is left out has a note in the text.
pub(super) fn read(result: CallToolResult, missed: usize, redactor: &Redactor) -> ToolOutput {
    let mut reading = Reading::default();
    for block in result.content {
        reading.block(block);
    }
    let mut output = reading.output;
    for media in &mut output.media {
        clean(media, redactor);
    }
    let mut notes = Vec::new();
    if reading.dropped > 0 {
        notes.push(format!(
            "{} images or files left out: at most {} of {} bytes together are kept",
            reading.dropped,
            limits::MEDIA,
            limits::MEDIA_BYTES
        ));
    }
    if missed > 0 {
        notes.push(format!("{missed} notices left out: they came too fast"));
    }
    if let Some(structured) = result.structured_content {
        let printed = structured.to_string();
        if output.text.is_empty() {
            // A server should say it in words as well; not every one does.
            output.text.clone_from(&printed);
        }
        if printed.len() > limits::STRUCTURED_BYTES {
            notes.push(format!(
                "structured result of {} bytes left out: at most {} are kept",
                printed.len(),
                limits::STRUCTURED_BYTES
            ));
        } else {
            output.structured = Some(redactor.clean_value(structured));
        }
    }
    let text = redactor.clean(output.text);
    let mut text = cut(&text, limits::RESULT_BYTES).text.into_owned();
    for note in notes {
        add_line(&mut text, &format!("[{note}]"));
    }
    ToolOutput {
        text,
        is_error: result.is_error == Some(true),
        ..output
    }
}

/// An address may hold a key in its query.
fn clean(media: &mut Media, redactor: &Redactor) {
    let texts = match media {
        Media::Link {
            uri,
            name,
            mime_type,
        } => [Some(uri), Some(name), mime_type.as_mut()],
        Media::Inline { mime_type, uri, .. } => [Some(mime_type), uri.as_mut(), None],
    };
    for text in texts.into_iter().flatten() {
        *text = redactor.clean(std::mem::take(text));
    }
}

#[derive(Default)]
struct Reading {
    output: ToolOutput,
    media_bytes: usize,
    dropped: usize,
}

impl Reading {
    fn block(&mut self, block: ContentBlock) {
        match block {
            ContentBlock::Text(text) => self.line(&text.text),
            ContentBlock::Image(image) => self.inline("image", image.mime_type, None, image.data),
            ContentBlock::Audio(audio) => self.inline("audio", audio.mime_type, None, audio.data),
            ContentBlock::Resource(resource) => match resource.resource {
                ResourceContents::TextResourceContents { uri, text, .. } => {
                    self.line(&format!("[{uri}]\n{text}"));
                }
                ResourceContents::BlobResourceContents {
                    uri,
                    mime_type,
                    blob,
                    ..
                } => {
                    let mime_type =
                        mime_type.unwrap_or_else(|| "application/octet-stream".to_owned());
                    self.inline("file", mime_type, Some(uri), blob);
                }
                _ => self.line("[a resource of an unknown kind]"),
            },
            ContentBlock::ResourceLink(link) => {
                self.line(&format!("[link {}: {}]", link.name, link.uri));
                if self.output.media.len() >= limits::MEDIA {
                    self.dropped += 1;
                    return;
                }
                self.output.media.push(Media::Link {
                    uri: link.uri,
                    name: link.name,
                    mime_type: link.mime_type,
                });
            }
            _ => self.line("[content of an unknown kind]"),
        }
    }

    fn inline(&mut self, what: &str, mime_type: String, uri: Option<String>, base64: String) {
        let bytes = base64.trim_end_matches('=').len() / 4 * 3
            + (base64.trim_end_matches('=').len() % 4).saturating_sub(1);
        let shown = uri.as_deref().map(|uri| format!(" {uri}"));
        let shown = shown.unwrap_or_default();
        self.line(&format!("[{what}{shown}, {mime_type}, {bytes} bytes]"));
        let sum = self.media_bytes + base64.len();
        if self.output.media.len() >= limits::MEDIA || sum > limits::MEDIA_BYTES {
            self.dropped += 1;
            return;
        }
        self.media_bytes = sum;
        self.output.media.push(Media::Inline {
            mime_type,
            uri,
            base64,
        });
    }

    fn line(&mut self, text: &str) {
        add_line(&mut self.output.text, text);
    }
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use rmcp::model::CallToolResult;
    use serde_json::{Value, json};

    use super::read;
    use crate::secret::{Redactor, Secret};
    use crate::{Media, ToolOutput, limits};

    fn output(result: Value) -> ToolOutput {
        let result: CallToolResult = serde_json::from_value(result).expect("a result");
        let secret = Secret::new("s3cret-token");
        read(result, 0, &Redactor::new([&secret].into_iter()))
    }

    #[track_caller]
    fn check(result: Value, text: &str, media: &[Media]) {
        let read = output(result);
        assert_eq!((&*read.text, &*read.media), (text, media));
    }

    #[test]
    fn an_address_is_shown_without_the_secret_in_it() {
        let link = Media::Link {
            uri: "https://x/?key=***".into(),
            name: "x ***".into(),
            mime_type: None,
        };
        check(
            json!({"content": [
                {"type": "resource_link", "uri": "https://x/?key=s3cret-token", "name": "x s3cret-token"},
            ]}),
            "[link x ***: https://x/?key=***]",
            &[link],
        );
    }

    #[test]
    fn every_kind_of_content_has_its_line() {
        let image = Media::Inline {
            mime_type: "image/png".into(),
            uri: None,
            base64: "AAAA".into(),
        };
        let file = Media::Inline {
            mime_type: "application/octet-stream".into(),
            uri: Some("file:///a".into()),
            base64: "AAA=".into(),
        };
        let link = Media::Link {
            uri: "https://x/".into(),
            name: "x".into(),
            mime_type: None,
        };
        check(
            json!({"content": [
                {"type": "text", "text": "one"},
                {"type": "image", "data": "AAAA", "mimeType": "image/png"},
                {"type": "resource", "resource": {"uri": "file:///t", "text": "two"}},
                {"type": "resource", "resource": {"uri": "file:///a", "blob": "AAA="}},
                {"type": "resource_link", "uri": "https://x/", "name": "x"},
            ]}),
            "one\n[image, image/png, 3 bytes]\n[file:///t]\ntwo\n[file file:///a, application/octet-stream, 2 \
             bytes]\n[link x: https://x/]",
            &[image, file, link],
        );
        check(json!({"content": []}), "", &[]);
    }

    #[test]
    fn an_error_of_the_tool_is_marked() {
        let failed = output(json!({"content": [{"type": "text", "text": "no"}], "isError": true}));
        assert!(failed.is_error);
        assert!(!output(json!({"content": []})).is_error);
    }

    #[test]
    fn a_structured_result_is_kept_and_shown_where_words_are_missing() {
        let read = output(json!({"content": [], "structuredContent": {"a": 1}}));
        assert_eq!(read.text, "{\"a\":1}");
        assert_eq!(read.structured, Some(json!({"a": 1})));
    }

    #[test]
    fn secrets_do_not_come_back() {
        let said = "token s3cret-token";
        let read = output(json!({
            "content": [{"type": "text", "text": said}],
            "structuredContent": {"said": said},
        }));
        assert_eq!(read.text, "token ***");
        assert_eq!(read.structured, Some(json!({"said": "token ***"})));
    }

    #[test]
    fn too_much_is_left_out_with_a_note() {
        let long = "x".repeat(limits::RESULT_BYTES + 10);
        let read = output(json!({"content": [{"type": "text", "text": long}]}));
        assert!(read.text.contains("\n… 10 bytes left out …\n"));

        let large = "y".repeat(limits::STRUCTURED_BYTES);
        let read = output(json!({
            "content": [{"type": "text", "text": "short"}],
            "structuredContent": large,
        }));
        assert_eq!(read.structured, None);
        assert!(
            read.text
                .starts_with("short\n[structured result of 1048578 bytes left out"),
            "{}",
            read.text
        );

        let image = json!({"type": "image", "data": "A".repeat(limits::MEDIA_BYTES / 2), "mimeType": "image/png"});
        let read = output(json!({"content": [image, image, image]}));
        assert_eq!(read.media.len(), 2);
        assert!(
            read.text.contains("[1 images or files left out"),
            "{}",
            read.text
        );
    }
}
