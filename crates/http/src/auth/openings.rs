//! How many streams are open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use wire::Code;

use crate::error::Error;

/// Open streams by credential.
#[derive(Debug, Clone, Default)]
pub(crate) struct Openings(Arc<Mutex<HashMap<[u8; 32], usize>>>);

/// One open stream, as long as it lives.
#[derive(Debug)]
pub(crate) struct Opening {
    openings: Openings,
    credential: Option<[u8; 32]>,
}

impl Openings {
    /// Opens a stream. Without a credential only the connections are bounded.
    pub(crate) fn open(&self, credential: Option<[u8; 32]>, max: usize) -> Result<Opening, Error> {
        if let Some(hash) = credential {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let n_open = open.entry(hash).or_insert(0);
            if *n_open >= max {
                return Err(Error::new(
                    Code::TooManyStreams,
                    format!("{max} streams of this credential are open"),
                ));
            }
            *n_open += 1;
        }
        metrics::gauge!("outlive_http_streams").increment(1);
        Ok(Opening {
            openings: self.clone(),
            credential,
        })
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        metrics::gauge!("outlive_http_streams").decrement(1);
        let Some(hash) = self.credential else { return };
        let mut open = self
            .openings
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(n_open) = open.get_mut(&hash) {
            *n_open -= 1;
            if *n_open == 0 {
                open.remove(&hash);
            }
        }
    }
}
