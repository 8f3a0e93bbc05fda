//! JSON as models write it, turned into JSON: without comments, without a comma before a closing bracket, with line
//! breaks inside strings escaped. It works on pieces of text as they come.

/// Where the reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Between tokens.
    Between,
    /// In a string.
    Text,
    /// Behind a backslash in a string.
    Escape,
    /// Behind a slash that may begin a comment.
    Slash,
    /// In a comment that the line's end ends.
    Line,
    /// In a comment that `*/` ends.
    Block,
    /// The same, behind a star.
    Star,
}

/// What became of the value so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// More belongs to it.
    Open,
    /// It has its closing bracket.
    Closed,
    /// What stands behind its first bracket is no JSON: the bracket belongs to prose.
    Prose,
}

/// Reads one object or array, from its opening bracket to the closing one.
#[derive(Debug, Clone)]
pub(super) struct Cleaner {
    at: At,
    depth: usize,
    /// A comma that is written once something other than a closing bracket follows.
    holds_comma: bool,
    form: Form,
    /// The last character between tokens that is no space.
    last: char,
    cleaned: String,
}

impl Cleaner {
    pub(super) fn new() -> Self {
        Self {
            at: At::Between,
            depth: 0,
            holds_comma: false,
            form: Form::Open,
            last: ' ',
            cleaned: String::new(),
        }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// The JSON so far.
    pub(super) fn cleaned(&self) -> &str {
        &self.cleaned
    }

    /// The JSON so far without a number or word at its end that may go on.
    pub(super) fn settled(&self) -> &str {
        match (self.form, self.at) {
            // What a comma follows is whole.
            _ if self.holds_comma => &self.cleaned,
            (Form::Open, At::Between | At::Slash | At::Line | At::Block | At::Star) => {
                let grows = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
                self.cleaned.trim_end_matches(grows)
            }
            _ => &self.cleaned,
        }
    }

    /// Takes more text; gives how many bytes of it belong to the value. What is behind them is not looked at.
    pub(super) fn push(&mut self, text: &str) -> usize {
        for (at, c) in text.char_indices() {
            if self.form != Form::Open {
                return at;
            }
            self.take(c);
        }
        text.len()
    }

    fn take(&mut self, c: char) {
        self.at = match self.at {
            At::Between => self.between(c),
            At::Text => self.text(c),
            At::Escape => {
                self.cleaned.push(c);
                At::Text
            }
            At::Slash => match c {
                '/' => At::Line,
                '*' => At::Block,
                c => {
                    self.significant('/');
                    self.between(c)
                }
            },
            At::Line if c == '\n' => At::Between,
            At::Line => At::Line,
            At::Star if c == '/' => At::Between,
            At::Block | At::Star if c == '*' => At::Star,
            At::Block | At::Star => At::Block,
        };
    }

    fn between(&mut self, c: char) -> At {
        match c {
            '/' => return At::Slash,
            c if c.is_whitespace() => {
                // Only these four are spaces to JSON.
                let is_space = matches!(c, ' ' | '\n' | '\r' | '\t');
                self.cleaned.push(if is_space { c } else { ' ' });
            }
            ',' if !self.holds_comma => {
                self.check_first(c);
                self.holds_comma = true;
            }
            '}' | ']' => {
                self.holds_comma = false;
                self.significant(c);
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.form = Form::Closed;
                }
            }
            '{' | '[' => {
                self.significant(c);
                self.depth += 1;
            }
            '"' => {
                self.significant(c);
                return At::Text;
            }
            c => self.significant(c),
        }
        At::Between
    }

    fn text(&mut self, c: char) -> At {
        match c {
            '"' => {
                self.cleaned.push(c);
                return At::Between;
            }
            '\\' => {
                self.cleaned.push(c);
                return At::Escape;
            }
            '\n' => self.cleaned.push_str("\\n"),
            '\r' => self.cleaned.push_str("\\r"),
            '\t' => self.cleaned.push_str("\\t"),
            c => self.cleaned.push(c),
        }
        At::Text
    }

    fn significant(&mut self, c: char) {
        self.check_first(c);
        if std::mem::take(&mut self.holds_comma) {
            self.cleaned.push(',');
        }
        self.cleaned.push(c);
        self.last = c;
    }

    /// Looks at what stands behind the first bracket.
    fn check_first(&mut self, c: char) {
        let fits = match self.last {
            '{' if self.depth == 1 => matches!(c, '"' | '}'),
            '[' if self.depth == 1 => {
                matches!(c, '"' | '{' | '[' | ']' | '-' | 't' | 'f' | 'n') || c.is_ascii_digit()
            }
            _ => true,
        };
        if !fits {
            self.form = Form::Prose;
        }
    }
}
