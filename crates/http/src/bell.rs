//! Waits that lie beside each other in one task. A wake-up of a task says not what it is for, so that whoever polls
//! all waits pays for all of them each time; behind a bell only the one that called is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Asks a wait only if it has called since it was last found pending.
#[derive(Default)]
pub(crate) struct Bell(Option<Hung>);

/// A bell in the task that hears it.
struct Hung {
    cord: Arc<Cord>,
    /// Pulls the cord.
    waker: Waker,
}

struct Cord {
    is_pulled: AtomicBool,
    task: Waker,
}

impl Wake for Cord {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The task may run as soon as it is woken, and must find the bell rung.
        self.is_pulled.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

impl Bell {
    /// Polls a wait, the same one each time, unless it is known to be pending.
    pub(crate) fn poll<T>(
        &mut self,
        context: &Context<'_>,
        wait: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let task = context.waker();
        let hung = match &mut self.0 {
            Some(hung) if hung.cord.task.will_wake(task) => {
                if !hung.cord.is_pulled.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                // Silent before the wait is asked: a call from here on rings again.
                hung.cord.is_pulled.swap(false, Ordering::AcqRel);
                hung
            }
            moved => moved.insert(Hung::new(task.clone())),
        };
        let polled = wait(&mut Context::from_waker(&hung.waker));
        if polled.is_ready() {
            // What is ready has registered nothing.
            hung.cord.is_pulled.store(true, Ordering::Release);
        }
        polled
    }
}

impl Hung {
    fn new(task: Waker) -> Self {
        let cord = Arc::new(Cord {
            is_pulled: AtomicBool::new(false),
            task,
        });
        Self {
            waker: Waker::from(Arc::clone(&cord)),
            cord,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how often a task was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once; what the wait registered, if it was asked.
    fn ask(bell: &mut Bell, task: &Waker, answer: Poll<()>) -> Option<Waker> {
        let mut asked = None;
        let _ = bell.poll(&Context::from_waker(task), |context| {
            asked = Some(context.waker().clone());
            answer
        });
        asked
    }

    #[test]
    fn a_wait_is_asked_again_only_when_it_called_or_was_ready() {
        let (woken, mut bell) = (Arc::new(Woken::default()), Bell::default());
        let task = Waker::from(Arc::clone(&woken));
        let registered = ask(&mut bell, &task, Poll::Pending).unwrap();
        assert!(ask(&mut bell, &task, Poll::Pending).is_none());
        registered.wake();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(ask(&mut bell, &task, Poll::Ready(())).is_some());
        assert!(ask(&mut bell, &task, Poll::Pending).is_some());
        assert!(ask(&mut bell, &task, Poll::Pending).is_none());
    }

    #[test]
    fn a_call_while_the_wait_is_asked_is_heard() {
        let mut bell = Bell::default();
        let task = Waker::from(Arc::new(Woken::default()));
        let _ = bell.poll(&Context::from_waker(&task), |context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert!(ask(&mut bell, &task, Poll::Pending).is_some());
    }

    #[test]
    fn another_task_asks_anew_and_is_the_one_that_is_woken() {
        let mut bell = Bell::default();
        let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        ask(&mut bell, &Waker::from(first.clone()), Poll::Pending).unwrap();
        let registered = ask(&mut bell, &Waker::from(second.clone()), Poll::Pending).unwrap();
        registered.wake();
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        assert_eq!(second.0.load(Ordering::Relaxed), 1);
    }
}
