//! Rows with columns that stand below each other.

use unicode_width::UnicodeWidthStr;

use super::page::fitted;

/// Lays rows out. The last column takes what is left of `width`, if there is one; nothing else is cut.
pub(crate) fn table(rows: &[Vec<String>], width: Option<usize>) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_columns)
        .map(|n| {
            let cells = rows.iter().filter_map(|row| row.get(n));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (n, cell) in row.iter().enumerate() {
            line.push_str(cell);
            if n + 1 < row.len() {
                let gap = widths[n] - cell.width() + 2;
                line.push_str(&" ".repeat(gap));
            }
        }
        let line = line.trim_end();
        out.push_str(&width.map_or_else(|| line.to_owned(), |width| fitted(line, width)));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows: Vec<Vec<String>> = [["ä", "bb", "long text"], ["aaa", "b", "日本語の本"]]
            .iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect();
        assert_eq!(
            table(&rows, None),
            "ä    bb  long text\naaa  b   日本語の本\n"
        );
        assert_eq!(table(&rows, Some(14)), "ä    bb  long…\naaa  b   日本…\n");
    }
}
