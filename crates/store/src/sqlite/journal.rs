//! The journal's rows: one per commit, with the events of every run that it touched.
//!
//! A row is a sequence of groups. A group is a header of fixed size and then ready frames. Integers are little-endian.

use std::borrow::Cow;

use run::{AppendNo, Fence, Seq};
use zstd::bulk::Compressor;

use super::chunks;
use crate::JOURNAL_PACK_BYTES;

/// Bytes of a header: run key 8, first number 8, count 4, fence 8, append number 8, length 4.
const HEADER: usize = 40;

/// The events that one write of a commit added to one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group<'b> {
    /// The run's key in its table.
    pub(crate) key: i64,
    /// The number of the first event.
    pub(crate) first: Seq,
    /// How many events.
    pub(crate) n: u32,
    /// The fence and number of the append, 0 where a command wrote.
    pub(crate) fence: Fence,
    pub(crate) append_no: AppendNo,
    /// Ready frames.
    pub(crate) frames: &'b [u8],
}

impl Group<'_> {
    pub(crate) fn last(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.n) - 1)
    }
}

/// The row of a commit while it is being written.
#[derive(Default)]
pub(crate) struct Row {
    bytes: Vec<u8>,
    packed: Vec<u8>,
    /// Kept, because making one costs more than using it.
    compressor: Option<Compressor<'static>>,
}

impl Row {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes to store, and whether they are compressed. Frames repeat themselves so much that a long row shrinks to a
    /// few pages, which saves more time at the disk than it costs.
    pub(crate) fn stored(&mut self) -> (&[u8], bool) {
        if self.bytes.len() <= JOURNAL_PACK_BYTES || self.pack().is_err() {
            return (&self.bytes, false);
        }
        (&self.packed, true)
    }

    fn pack(&mut self) -> std::io::Result<()> {
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(1)?),
        };
        self.packed.clear();
        self.packed
            .reserve(zstd::zstd_safe::compress_bound(self.bytes.len()));
        compressor.compress_to_buffer(&self.bytes, &mut self.packed)?;
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        // One huge commit must not keep its memory for ever.
        self.bytes.shrink_to(1024 * 1024);
        self.packed.shrink_to(1024 * 1024);
    }

    /// Begins a group; frames are then printed to [`Row::out`].
    pub(crate) fn begin(&mut self) -> Mark {
        let mark = Mark(self.bytes.len());
        self.bytes.resize(mark.0 + HEADER, 0);
        mark
    }

    /// Where frames are printed.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Takes a group back.
    pub(crate) fn undo(&mut self, mark: Mark) {
        self.bytes.truncate(mark.0);
    }

    /// Ends a group: writes its header and returns its frames.
    pub(crate) fn end(&mut self, mark: Mark, group: Group<'_>) -> &[u8] {
        let frames = mark.0 + HEADER;
        let len =
            u32::try_from(self.bytes.len() - frames).expect("a commit is far smaller than 4 GiB");
        let header = &mut self.bytes[mark.0..frames];
        header[0..8].copy_from_slice(&group.key.to_le_bytes());
        header[8..16].copy_from_slice(&group.first.0.to_le_bytes());
        header[16..20].copy_from_slice(&group.n.to_le_bytes());
        header[20..28].copy_from_slice(&group.fence.0.to_le_bytes());
        header[28..36].copy_from_slice(&group.append_no.0.to_le_bytes());
        header[36..40].copy_from_slice(&len.to_le_bytes());
        &self.bytes[frames..]
    }
}

/// Where a group begins.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

/// A stored row as it was written.
pub(crate) fn unpack(stored: &[u8], packed: bool) -> rusqlite::Result<Cow<'_, [u8]>> {
    if packed {
        chunks::unpack(stored).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(stored))
    }
}

/// The groups of a stored row. Bytes that are no group end it: the database's checksums and our lengths make that a
/// corrupt file, which the doctor reports.
pub(crate) fn groups(row: &[u8]) -> impl Iterator<Item = Group<'_>> {
    let mut rest = row;
    std::iter::from_fn(move || {
        let (header, behind) = rest.split_at_checked(HEADER)?;
        let n8 =
            |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        let n4 = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let (frames, next) = behind.split_at_checked(n4(36) as usize)?;
        rest = next;
        Some(Group {
            key: i64::from_le_bytes(header[0..8].try_into().expect("eight bytes")),
            first: Seq(n8(8)),
            n: n4(16),
            fence: Fence(n8(20)),
            append_no: AppendNo(n8(28)),
            frames,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(key: i64, frames: &[u8]) -> Group<'_> {
        Group {
            key,
            first: Seq(3),
            n: 2,
            fence: Fence(4),
            append_no: AppendNo(5),
            frames,
        }
    }

    #[test]
    fn a_row_reads_back_without_what_was_undone() {
        let mut row = Row::default();
        for (key, frames) in [(1, &b"one"[..]), (2, b"undone"), (3, b"")] {
            let mark = row.begin();
            row.out().extend_from_slice(frames);
            if key == 2 {
                row.undo(mark);
            } else {
                assert_eq!(row.end(mark, group(key, &[])), frames);
            }
        }
        assert_eq!(
            groups(row.bytes()).collect::<Vec<_>>(),
            [group(1, b"one"), group(3, b"")]
        );
        for cut in 0..row.bytes().len() {
            assert!(groups(&row.bytes()[..cut]).count() < 2);
        }
    }
}
