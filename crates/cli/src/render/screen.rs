//! A terminal for tests: it does what it is told with the few sequences that we use, and refuses all others.

use unicode_width::UnicodeWidthChar;

/// The second cell of a wide character.
const SECOND: char = '\0';

/// What is shown, line by line.
pub(crate) struct Screen {
    width: usize,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            lines: vec![Vec::new()],
            row: 0,
            column: 0,
        }
    }

    /// The text on it, without blanks at the ends of lines.
    pub(crate) fn text(&self) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|line| {
                line.iter()
                    .filter(|c| **c != SECOND)
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
            })
            .collect();
        lines.join("\n").trim_end().to_owned()
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\n' => {
                    self.down();
                    self.column = 0;
                }
                '\r' => self.column = 0,
                '\t' => {
                    let stop = (self.column / 8 * 8 + 8).min(self.width - 1);
                    while self.column < stop {
                        self.put(' ');
                    }
                }
                '\u{1b}' => {
                    assert_eq!(chars.next(), Some('['), "only control sequences");
                    let mut parameter = String::new();
                    let last = loop {
                        match chars.next().unwrap() {
                            c if c.is_ascii_digit() || c == ';' => parameter.push(c),
                            c => break c,
                        }
                    };
                    let n: usize = parameter.parse().unwrap_or(0);
                    match last {
                        'm' => {}
                        'K' => self.lines[self.row].truncate(self.column),
                        'A' => self.row -= n,
                        'G' => self.column = n - 1,
                        other => panic!("nobody may send CSI {parameter}{other}"),
                    }
                }
                c => {
                    assert!(!c.is_control(), "nobody may send {c:?}");
                    self.put(c);
                }
            }
        }
    }

    fn put(&mut self, c: char) {
        let width = c.width().unwrap_or(0);
        if self.column + width > self.width {
            self.down();
            self.column = 0;
        }
        let line = &mut self.lines[self.row];
        while line.len() <= self.column {
            line.push(' ');
        }
        line[self.column] = c;
        if width == 2 {
            line.push(SECOND);
        }
        self.column += width;
    }

    fn down(&mut self) {
        self.row += 1;
        if self.row == self.lines.len() {
            self.lines.push(Vec::new());
        }
    }
}
