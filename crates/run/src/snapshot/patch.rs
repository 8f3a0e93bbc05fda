//! JSON Patch (RFC 6902) on the state that an agent shares: all of a patch or nothing of it.
//!
//! Written here because the state has bounds: a patch may copy, so that a hundred bytes double a state thirty times
//! or nest it deeper than a reader of JSON goes.

use serde_json::Value;

use crate::content::depth;
use crate::{MAX_STATE_BYTES, MAX_VALUE_DEPTH};

/// Why a patch was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("an operation is not one of RFC 6902")]
    Operation,
    #[error("a path is not a JSON Pointer")]
    Pointer,
    #[error("a path leads nowhere")]
    Nowhere,
    #[error("a value was to be moved into itself")]
    IntoItself,
    #[error("a test failed")]
    Test,
    #[error("the state would be too large or too deep")]
    Bound,
}

/// Takes back what one operation did.
enum Undo {
    Remove(Path),
    Add(Path, Value),
    Set(Path, Value),
}

/// The tokens of a JSON Pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq)]
struct Path(Vec<String>);

/// A state that is being patched.
struct Patching<'a> {
    state: &'a mut Value,
    n_bytes: usize,
    undo: Vec<Undo>,
}

/// Applies a patch to a state of `n_bytes` and gives its new size. A patch that does not fit leaves the state as it was.
pub(super) fn apply(state: &mut Value, n_bytes: usize, patch: &[Value]) -> Result<usize, Unfit> {
    let mut patching = Patching {
        state,
        n_bytes,
        undo: Vec::new(),
    };
    for operation in patch {
        if let Err(unfit) = patching.perform(operation) {
            patching.take_back();
            return Err(unfit);
        }
    }
    Ok(patching.n_bytes)
}

/// The size of a value, about as printed.
pub(super) fn size(value: &Value) -> usize {
    match value {
        // Nothing is smaller than null, which stands where everything was removed.
        Value::Null => 2,
        Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 3,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 3,
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| size_of_key(key) + size(value));
            members.sum::<usize>() + 3
        }
    }
}

fn size_of_key(key: &str) -> usize {
    key.len() + 4
}

impl Patching<'_> {
    fn perform(&mut self, operation: &Value) -> Result<(), Unfit> {
        let text = |key: &str| operation.get(key).and_then(Value::as_str);
        let pointer = |key: &str| Path::parse(text(key).ok_or(Unfit::Operation)?);
        let value = || operation.get("value").ok_or(Unfit::Operation);
        match text("op").ok_or(Unfit::Operation)? {
            "add" => self.add(pointer("path")?, value()?.clone()),
            "remove" => self.remove(pointer("path")?),
            "replace" => self.replace(pointer("path")?, value()?.clone()),
            "move" => {
                let (from, path) = (pointer("from")?, pointer("path")?);
                if path.0.len() > from.0.len() && path.0.starts_with(&from.0) {
                    return Err(Unfit::IntoItself);
                }
                if path == from {
                    return from.find(self.state).map(drop);
                }
                let value = from.find(self.state)?.clone();
                self.remove(from)?;
                self.add(path, value)
            }
            "copy" => {
                let (from, path) = (pointer("from")?, pointer("path")?);
                let value = from.find(self.state)?;
                // Measured before it is cloned.
                if self.n_bytes + size(value) > MAX_STATE_BYTES {
                    return Err(Unfit::Bound);
                }
                let value = value.clone();
                self.add(path, value)
            }
            "test" => {
                let found = pointer("path")?.find(self.state)?;
                if equal(found, value()?) {
                    Ok(())
                } else {
                    Err(Unfit::Test)
                }
            }
            _ => Err(Unfit::Operation),
        }
    }

    fn add(&mut self, path: Path, value: Value) -> Result<(), Unfit> {
        let n_new = self.room_for(&path, &value)?;
        let Some((last, parents)) = path.0.split_last() else {
            return self.replace(path, value);
        };
        match find(self.state, parents)? {
            Value::Object(members) => {
                if let Some(old) = members.insert(last.clone(), value) {
                    self.count(n_new, size(&old));
                    self.undo.push(Undo::Set(path, old));
                } else {
                    self.count(n_new + size_of_key(last), 0);
                    self.undo.push(Undo::Remove(path));
                }
            }
            Value::Array(items) => {
                let at = match last.as_str() {
                    "-" => items.len(),
                    digits => index(digits)
                        .filter(|at| *at <= items.len())
                        .ok_or(Unfit::Nowhere)?,
                };
                items.insert(at, value);
                self.count(n_new, 0);
                let mut place = parents.to_vec();
                place.push(at.to_string());
                self.undo.push(Undo::Remove(Path(place)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(Unfit::Nowhere);
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: Path) -> Result<(), Unfit> {
        let (old, n_bytes) = take(self.state, &path)?;
        self.count(0, n_bytes);
        let whole = path.0.is_empty();
        self.undo.push(if whole {
            Undo::Set(path, old)
        } else {
            Undo::Add(path, old)
        });
        Ok(())
    }

    fn replace(&mut self, path: Path, value: Value) -> Result<(), Unfit> {
        let n_new = self.room_for(&path, &value)?;
        let old = std::mem::replace(find(self.state, &path.0)?, value);
        self.count(n_new, size(&old));
        self.undo.push(Undo::Set(path, old));
        Ok(())
    }

    fn count(&mut self, n_new: usize, n_old: usize) {
        self.n_bytes = (self.n_bytes + n_new).saturating_sub(n_old);
    }

    /// The size of a value that may be put there.
    fn room_for(&self, path: &Path, value: &Value) -> Result<usize, Unfit> {
        let n_bytes = size(value);
        let n_key = path.0.last().map_or(0, |key| size_of_key(key));
        let fits = self.n_bytes + n_bytes + n_key <= MAX_STATE_BYTES
            && path.0.len() + depth(value) <= MAX_VALUE_DEPTH;
        if fits { Ok(n_bytes) } else { Err(Unfit::Bound) }
    }

    /// Puts back what was there before the patch, the last operation first.
    fn take_back(self) {
        for undo in self.undo.into_iter().rev() {
            match undo {
                Undo::Remove(path) => drop(take(self.state, &path)),
                Undo::Set(path, old) => {
                    if let Ok(place) = find(self.state, &path.0) {
                        *place = old;
                    }
                }
                Undo::Add(path, old) => put_back(self.state, &path, old),
            }
        }
    }
}

impl Path {
    fn parse(text: &str) -> Result<Self, Unfit> {
        let Some(tokens) = text.strip_prefix('/') else {
            return if text.is_empty() {
                Ok(Self(Vec::new()))
            } else {
                Err(Unfit::Pointer)
            };
        };
        tokens
            .split('/')
            .map(unescape)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn find<'v>(&self, value: &'v Value) -> Result<&'v Value, Unfit> {
        self.0.iter().try_fold(value, |value, token| {
            let inner = match value {
                Value::Object(members) => members.get(token),
                Value::Array(items) => index(token).and_then(|at| items.get(at)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            };
            inner.ok_or(Unfit::Nowhere)
        })
    }
}

fn find<'v>(value: &'v mut Value, tokens: &[String]) -> Result<&'v mut Value, Unfit> {
    tokens.iter().try_fold(value, |value, token| {
        let inner = match value {
            Value::Object(members) => members.get_mut(token),
            Value::Array(items) => index(token).and_then(|at| items.get_mut(at)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        inner.ok_or(Unfit::Nowhere)
    })
}

/// Takes a value out and says by how much the state shrank; the whole state leaves null behind.
fn take(state: &mut Value, path: &Path) -> Result<(Value, usize), Unfit> {
    let Some((last, parents)) = path.0.split_last() else {
        let old = state.take();
        let n_bytes = size(&old) - size(state);
        return Ok((old, n_bytes));
    };
    match find(state, parents)? {
        Value::Object(members) => {
            let old = members.remove(last).ok_or(Unfit::Nowhere)?;
            let n_bytes = size(&old) + size_of_key(last);
            Ok((old, n_bytes))
        }
        Value::Array(items) => {
            let at = index(last)
                .filter(|at| *at < items.len())
                .ok_or(Unfit::Nowhere)?;
            let old = items.remove(at);
            let n_bytes = size(&old);
            Ok((old, n_bytes))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(Unfit::Nowhere),
    }
}

/// Undoes a removal.
fn put_back(state: &mut Value, path: &Path, old: Value) {
    let Some((last, parents)) = path.0.split_last() else {
        return;
    };
    match find(state, parents) {
        Ok(Value::Object(members)) => {
            members.insert(last.clone(), old);
        }
        Ok(Value::Array(items)) => {
            if let Some(at) = index(last).filter(|at| *at <= items.len()) {
                items.insert(at, old);
            }
        }
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => {}
    }
}

/// An array index: digits, without a zero in front (RFC 6901, section 4).
fn index(token: &str) -> Option<usize> {
    let plain = token.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = token == "0" || !token.starts_with('0');
    if plain && canonical {
        token.parse().ok()
    } else {
        None
    }
}

/// `~1` is a slash and `~0` a tilde; nothing else may follow a tilde.
fn unescape(token: &str) -> Result<String, Unfit> {
    let mut pieces = token.split('~');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (sign, rest) = match piece.as_bytes().first() {
            Some(b'0') => ('~', &piece[1..]),
            Some(b'1') => ('/', &piece[1..]),
            _ => return Err(Unfit::Pointer),
        };
        text.push(sign);
        text.push_str(rest);
    }
    Ok(text)
}

/// Equality as RFC 6902 (section 4.6) has it: numbers are equal when their values are, so `1` equals `1.0`.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests;
