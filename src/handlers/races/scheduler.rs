//! Lets handlers run at once, one step after another, in an order that a case chooses. A step is a request to the store or
//! to the cloud: before it is carried out, and again before its answer is heard, the handler waits for its turn.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Steps after which a round cannot be right any more.
const MOST_STEPS: usize = 3_000;

/// A handler at work.
pub(in crate::handlers) type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Whose turn it is. Cheap to clone; clones share everything.
#[derive(Clone, Debug, Default)]
pub(in crate::handlers) struct Scheduler(Arc<Mutex<Turns>>);

#[derive(Debug, Default)]
struct Turns {
    waiting: Vec<Waiting>,
    next: u64,
    /// The task that is being polled; none outside of a round, where nobody waits.
    running: Option<usize>,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    task: usize,
    may_go: bool,
    waker: Waker,
}

/// What a case chooses, step by step; begun anew when it has been used up.
#[derive(Clone, Debug)]
pub(in crate::handlers) struct Choices {
    steps: VecDeque<u16>,
}

impl Choices {
    pub(in crate::handlers) fn new(steps: &[u16]) -> Self {
        Self { steps: steps.iter().copied().collect() }
    }

    fn below(&mut self, count: usize) -> usize {
        let step = self.steps.pop_front().unwrap_or_default();
        self.steps.push_back(step.wrapping_mul(25_173).wrapping_add(13_849));
        (usize::from(step) * count) >> 16
    }
}

impl Scheduler {
    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap()
    }

    /// Waits for the turn of whoever asks.
    pub(in crate::handlers) async fn turn(&self) {
        let Some(task) = self.lock().running else { return };
        let turn = Turn { scheduler: self.clone(), number: self.lock().take_number() };
        poll_fn(|context| {
            let mut turns = self.lock();
            if let Some(waiting) = turns.waiting.iter_mut().find(|waiting| waiting.number == turn.number) {
                if waiting.may_go {
                    return Poll::Ready(());
                }
                waiting.waker = context.waker().clone();
            } else {
                let waker = context.waker().clone();
                turns.waiting.push(Waiting { number: turn.number, task, may_go: false, waker });
            }
            Poll::Pending
        })
        .await;
    }

    /// Runs tasks until all have ended. The task at `crash` is dropped after that many steps of its own. Gives the number of
    /// steps. The runtime's time must be paused; it passes only while everybody waits for it.
    pub(in crate::handlers) async fn run(
        &self,
        tasks: Vec<Task<'_>>,
        choices: &mut Choices,
        mut crash: Option<(usize, usize)>,
        mut after_step: impl FnMut(),
    ) -> usize {
        let mut tasks: Vec<Option<Task<'_>>> = tasks.into_iter().map(Some).collect();
        for index in 0..tasks.len() {
            self.poll(&mut tasks, index);
        }
        let mut steps = 0;
        while tasks.iter().any(Option::is_some) {
            assert!(steps < MOST_STEPS, "the handlers never end");
            steps += 1;
            let Some(index) = self.let_one_go(choices) else {
                tokio::time::advance(Duration::from_millis(100)).await;
                for index in 0..tasks.len() {
                    self.poll(&mut tasks, index);
                }
                continue;
            };
            match &mut crash {
                Some((doomed, 0)) if *doomed == index => {
                    tasks[index] = None;
                    crash = None;
                }
                Some((doomed, left)) if *doomed == index => {
                    *left -= 1;
                    self.poll(&mut tasks, index);
                }
                _ => self.poll(&mut tasks, index),
            }
            after_step();
        }
        steps
    }

    fn poll(&self, tasks: &mut [Option<Task<'_>>], index: usize) {
        let Some(task) = &mut tasks[index] else { return };
        self.lock().running = Some(index);
        let done = task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        self.lock().running = None;
        if done {
            tasks[index] = None;
        }
    }

    /// Chooses whose turn it is, and gives that task.
    fn let_one_go(&self, choices: &mut Choices) -> Option<usize> {
        let (task, waker) = {
            let mut turns = self.lock();
            let mut waiting: Vec<&mut Waiting> = turns.waiting.iter_mut().filter(|waiting| !waiting.may_go).collect();
            if waiting.is_empty() {
                return None;
            }
            let chosen = choices.below(waiting.len());
            let chosen = &mut waiting[chosen];
            chosen.may_go = true;
            (chosen.task, chosen.waker.clone())
        };
        waker.wake();
        Some(task)
    }
}

impl Turns {
    fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// A place in the queue, given up when whoever waits is dropped.
struct Turn {
    scheduler: Scheduler,
    number: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.scheduler.lock().waiting.retain(|waiting| waiting.number != self.number);
    }
}
