//! The allocation of a task, and the steps of its life that depend on its types.
//!
//! A pointer to a `Header` is a pointer to the `Cell` that begins with it; the header's vtable
//! knows the cell's types. Which field may be touched by whom, and when, is in the table of
//! `task`; every `SAFETY` here refers to a row of it.

use std::{
    any::Any,
    future::Future,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, RawWakerVTable, Waker},
};

use edgewake_sys::probe;

use super::{
    join::{JoinError, JoinHandle},
    local,
    state::{Pause, Scheduling, Start, State},
    waker,
};
use crate::sync::UnsafeCell;

/// Where the Runnables of a task go.
pub(crate) trait Schedule: Send + Sync + 'static {
    /// Brings a Runnable to the worker. Called on any thread.
    fn schedule(&self, runnable: Runnable);

    /// A task that the worker had adopted is finished. Called on the worker.
    fn retire(&self) {}
}

/// What every task begins with.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) state: State,
    vtable: &'static Vtable,
    /// The next in a queue.
    pub(super) next: UnsafeCell<Option<NonNull<Header>>>,
    /// The neighbours in the worker's list of tasks.
    pub(super) links: UnsafeCell<Links>,
}

impl Header {
    pub(super) fn waker_vtable(&self) -> &'static RawWakerVTable {
        self.vtable.waker
    }
}

/// A place in the worker's list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    pub(super) before: Option<NonNull<Header>>,
    pub(super) after: Option<NonNull<Header>>,
}

impl Links {
    /// In no list: `before` says so by leading back to the task itself, which costs no byte.
    pub(super) fn unbound(own: NonNull<Header>) -> Links {
        Links { before: Some(own), after: None }
    }

    pub(super) fn is_bound(self, own: NonNull<Header>) -> bool {
        self.before != Some(own)
    }
}

#[derive(Debug)]
struct Vtable {
    /// The one vtable of this task's wakers: `will_wake` compares addresses, and a constant of a
    /// generic type may have several.
    waker: &'static RawWakerVTable,
    poll: unsafe fn(NonNull<Header>),
    cancel: unsafe fn(NonNull<Header>),
    schedule: unsafe fn(NonNull<Header>),
    /// Moves the outcome to where the pointer points, a `Poll<Result<T, JoinError>>`.
    take_outcome: unsafe fn(NonNull<Header>, *mut ()),
    drop_outcome: unsafe fn(NonNull<Header>),
    join_waker: unsafe fn(NonNull<Header>) -> NonNull<UnsafeCell<Option<Waker>>>,
    free: unsafe fn(NonNull<Header>),
}

/// A header with its scheduler: as much of a cell as a waker needs to know.
#[repr(C)]
pub(super) struct Scheduled<S> {
    header: Header,
    scheduler: S,
}

#[repr(C)]
struct Cell<F: Future, S> {
    scheduled: Scheduled<S>,
    join_waker: UnsafeCell<Option<Waker>>,
    stage: UnsafeCell<Stage<F>>,
}

enum Stage<F: Future> {
    Future(F),
    Outcome(Result<F::Output, JoinError>),
    Gone,
}

/// The right to poll a task once. Dropping it unused is only right once the task is withdrawn.
#[derive(Debug)]
#[must_use]
pub(crate) struct Runnable(NonNull<Header>);

// SAFETY: it is only ever polled on the worker (`run`, `cancel`); on other threads it is carried
// to a queue, which touches the header's `next` alone.
unsafe impl Send for Runnable {}

/// Makes a task. Its Runnable must be scheduled, or [refused](local::refuse).
pub(crate) fn new<F, S>(future: F, scheduler: S) -> (Runnable, JoinHandle<F::Output>)
where
    F: Future + 'static,
    F::Output: 'static,
    S: Schedule,
{
    let header = Header {
        state: State::new(),
        vtable: &Types::<F, S>::VTABLE,
        next: UnsafeCell::new(None),
        links: UnsafeCell::new(Links { before: None, after: None }),
    };
    let cell = Box::new(Cell {
        scheduled: Scheduled { header, scheduler },
        join_waker: UnsafeCell::new(None),
        stage: UnsafeCell::new(Stage::Future(future)),
    });
    let header = NonNull::from(Box::leak(cell)).cast::<Header>();
    // SAFETY: nobody else knows the cell yet.
    unsafe { header.as_ref().links.with_mut(|links| *links = Links::unbound(header)) };
    // The state was born with the Runnable and the references of the worker and of this handle.
    (Runnable(header), JoinHandle::new(TaskRef(header)))
}

impl Runnable {
    pub(super) fn header(&self) -> NonNull<Header> {
        self.0
    }

    pub(super) fn into_header(self) -> NonNull<Header> {
        self.0
    }

    /// # Safety
    ///
    /// The header came from [`into_header`](Self::into_header), and this is the one time that it
    /// goes back.
    pub(super) unsafe fn from_header(header: NonNull<Header>) -> Runnable {
        Runnable(header)
    }

    /// Polls the task. On its worker only, which the callers in `runtime` are: they pop from the
    /// worker's own queue.
    #[inline(always)]
    pub(crate) fn run(self) {
        // SAFETY: the Runnable proves that the task has not completed, so the worker's reference
        // keeps the cell alive; the vtable is of the cell's types by construction.
        unsafe { (self.0.as_ref().vtable.poll)(self.0) }
    }

    /// Drops the future without polling it. On the worker, or, for a task that was never bound to
    /// one, on the thread that made it.
    #[inline]
    pub(super) fn cancel(self) {
        // SAFETY: as in `run`.
        unsafe { (self.0.as_ref().vtable.cancel)(self.0) }
    }
}

/// A counted reference to a task whose types are forgotten.
#[derive(Debug)]
pub(super) struct TaskRef(NonNull<Header>);

// SAFETY: what can be reached through it is the atomic state, and, by the table in `task`, fields
// whose turn the state's bits say it is.
unsafe impl Send for TaskRef {}
// SAFETY: as above; the only methods on `&self` that touch more than atomics are unsafe.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    pub(super) fn state(&self) -> &State {
        // SAFETY: our reference keeps the cell alive.
        unsafe { &self.0.as_ref().state }
    }

    pub(super) fn abort(&self) {
        if self.state().abort() == Scheduling::Push {
            // SAFETY: our reference keeps the cell alive; the vtable is of its types.
            unsafe { (self.0.as_ref().vtable.schedule)(self.0) }
        }
    }

    /// # Safety
    ///
    /// The task has completed, the caller is its join handle, `T` is its output.
    pub(super) unsafe fn take_outcome<T>(&self) -> Poll<Result<T, JoinError>> {
        let mut outcome = Poll::Pending;
        let room = (&raw mut outcome).cast::<()>();
        // SAFETY: the caller vouches for the turn and for `T`, so `room` is of the right type.
        unsafe { (self.0.as_ref().vtable.take_outcome)(self.0, room) };
        outcome
    }

    /// # Safety
    ///
    /// The task has completed and the caller is its join handle.
    #[inline]
    pub(super) unsafe fn drop_outcome(&self) {
        // SAFETY: forwarded to the caller.
        unsafe { (self.0.as_ref().vtable.drop_outcome)(self.0) }
    }

    /// Whether the join waker wakes what `waker` wakes. The worker may be reading it, too.
    ///
    /// # Safety
    ///
    /// The caller is the join handle and nobody writes the join waker meanwhile.
    pub(super) unsafe fn will_wake_join(&self, waker: &Waker) -> bool {
        // SAFETY: our reference keeps the cell alive, and the caller vouches that it is only read.
        unsafe {
            let place = (self.0.as_ref().vtable.join_waker)(self.0);
            place.as_ref().with(|present| (*present).as_ref().is_some_and(|p| p.will_wake(waker)))
        }
    }

    /// # Safety
    ///
    /// The caller is the join handle and it is its turn at the join waker.
    pub(super) unsafe fn join_waker<R>(&self, with: impl FnOnce(&mut Option<Waker>) -> R) -> R {
        // SAFETY: our reference keeps the cell alive, and the caller vouches for the turn.
        unsafe {
            let place = (self.0.as_ref().vtable.join_waker)(self.0);
            place.as_ref().with_mut(|waker| with(&mut *waker))
        }
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this reference is given up here, once.
        unsafe { drop_reference(self.0) };
    }
}

/// Gives up a reference, and frees the memory with the last one.
///
/// # Safety
///
/// The caller owns a reference and does not use it after this.
#[inline]
pub(super) unsafe fn drop_reference(header: NonNull<Header>) {
    // SAFETY: the caller's reference keeps the cell alive until the decrement; if that was the
    // last one nobody else can reach it.
    unsafe {
        if header.as_ref().state.drop_reference() {
            (header.as_ref().vtable.free)(header);
        }
    }
}

impl<S: Schedule> Scheduled<S> {
    /// A wake-up through a waker of this task.
    ///
    /// # Safety
    ///
    /// `header` begins a live cell whose scheduler is an `S`.
    #[inline(always)]
    pub(super) unsafe fn wake(header: NonNull<Header>) {
        // SAFETY: forwarded to the caller; both structures are repr(C) and begin with the header.
        let scheduled = unsafe { header.cast::<Scheduled<S>>().as_ref() };
        if scheduled.header.state.wake_at_rest() {
            // The transition made this the one Runnable.
            probe::wake(address(header));
            scheduled.scheduler.schedule(Runnable(header));
        } else {
            // SAFETY: forwarded to the caller.
            unsafe { Scheduled::<S>::wake_busy(header) }
        }
    }

    /// A wake-up of a task that seems to be queued, or running, or done.
    ///
    /// # Safety
    ///
    /// As for [`wake`](Self::wake).
    #[inline(never)]
    unsafe fn wake_busy(header: NonNull<Header>) {
        // SAFETY: as in `wake`.
        let scheduled = unsafe { header.cast::<Scheduled<S>>().as_ref() };
        if scheduled.header.state.wake() == Scheduling::Push {
            // The transition made this the one Runnable.
            probe::wake(address(header));
            scheduled.scheduler.schedule(Runnable(header));
        }
    }
}

/// What probe points call a task by.
#[inline(always)]
fn address(header: NonNull<Header>) -> u64 {
    header.as_ptr() as usize as u64
}

/// The functions of a vtable.
struct Types<F, S>(std::marker::PhantomData<(F, S)>);

impl<F, S> Types<F, S>
where
    F: Future + 'static,
    F::Output: 'static,
    S: Schedule,
{
    const VTABLE: Vtable = Vtable {
        waker: waker::vtable::<S>(),
        poll: Self::poll,
        cancel: Self::cancel,
        schedule: Self::schedule,
        take_outcome: Self::take_outcome,
        drop_outcome: Self::drop_outcome,
        join_waker: Self::join_waker,
        free: Self::free,
    };

    /// # Safety
    ///
    /// `header` begins a live `Cell<F, S>`. (The same for all functions below.)
    unsafe fn cell<'a>(header: NonNull<Header>) -> &'a Cell<F, S> {
        // SAFETY: forwarded to the caller; `Cell` is repr(C) and begins with its header.
        unsafe { header.cast::<Cell<F, S>>().as_ref() }
    }

    unsafe fn poll(header: NonNull<Header>) {
        // SAFETY: the caller holds the Runnable.
        let cell = unsafe { Self::cell(header) };
        let state = &cell.scheduled.header.state;
        if state.start() == Start::Cancel {
            // SAFETY: we are the worker, and `RUNNING` is ours.
            return unsafe { Self::finish(header, Self::discard_future(cell)) };
        }
        // The worker's reference outlives the poll, so the waker borrows it and counts none.
        let waker = ManuallyDrop::new(waker::borrowed(header, cell.scheduled.header.vtable.waker));
        let mut cx = Context::from_waker(&waker);
        probe::task_poll_begin(address(header));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            cell.stage.with_mut(|stage| {
                // SAFETY: the stage is the worker's until completion.
                let Stage::Future(future) = (unsafe { &mut *stage }) else {
                    unreachable!("a task is polled only before it completes");
                };
                // SAFETY: the cell is on the heap and the future is only ever dropped in place.
                unsafe { Pin::new_unchecked(future) }.poll(&mut cx)
            })
        }));
        probe::task_poll_end(address(header), u64::from(!matches!(polled, Ok(Poll::Pending))));
        match polled {
            Ok(Poll::Pending) => {
                if state.pause() == Pause::Again {
                    cell.scheduled.scheduler.schedule(Runnable(header));
                }
            }
            // SAFETY: we are the worker, and `RUNNING` is ours.
            Ok(Poll::Ready(output)) => unsafe { Self::finish(header, Ok(output)) },
            // SAFETY: as above.
            Err(panic) => unsafe { Self::finish(header, Err(JoinError::panicked(panic))) },
        }
    }

    unsafe fn cancel(header: NonNull<Header>) {
        // SAFETY: the caller holds the Runnable of a task that was withdrawn, or never bound.
        unsafe { Self::finish(header, Self::discard_future(Self::cell(header))) }
    }

    /// Drops the future. A panic of its drop takes the place of "cancelled".
    unsafe fn discard_future(cell: &Cell<F, S>) -> Result<F::Output, JoinError> {
        // SAFETY: the stage is the worker's until completion.
        match unsafe { Self::replace_stage(cell, Stage::Gone) } {
            Ok(()) => Err(JoinError::cancelled()),
            Err(panic) => Err(JoinError::panicked(panic)),
        }
    }

    /// Puts `new` into the stage and drops the old one in place, where its pin wants it.
    unsafe fn replace_stage(cell: &Cell<F, S>, new: Stage<F>) -> Result<(), Box<dyn Any + Send>> {
        cell.stage.with_mut(|stage| {
            let dropped = catch_unwind(AssertUnwindSafe(|| {
                // SAFETY: it is the caller's turn at the stage. Whether or not this drop panics,
                // the value is overwritten below without being dropped again.
                unsafe { std::ptr::drop_in_place(stage) }
            }));
            // SAFETY: as above.
            unsafe { stage.write(new) };
            dropped
        })
    }

    /// Stores the outcome, tells the join handle, gives up the worker's reference.
    unsafe fn finish(header: NonNull<Header>, outcome: Result<F::Output, JoinError>) {
        // SAFETY: the worker's reference keeps the cell alive until the end of this function.
        let cell = unsafe { Self::cell(header) };
        // SAFETY: the stage is the worker's until completion.
        let dropped = unsafe { Self::replace_stage(cell, Stage::Outcome(outcome)) };
        if let Err(panic) = dropped {
            let outcome = Stage::Outcome(Err(JoinError::panicked(panic)));
            // SAFETY: as above. What is dropped is an output of the user's, whose second panic
            // the first one stands for.
            let _second_panic = unsafe { Self::replace_stage(cell, outcome) };
        }
        let completion = cell.scheduled.header.state.complete();
        if completion.drop_output {
            // SAFETY: there is no join handle, so the outcome stays the worker's.
            unsafe { Self::drop_outcome(header) };
        }
        if completion.wake_join {
            cell.join_waker.with(|waker| {
                // SAFETY: after COMPLETED with JOIN_WAKER the waker is the worker's to use.
                if let Some(waker) = unsafe { &*waker } {
                    // The panic hook reports a waker that panics; this task is done all the same.
                    let _reported = catch_unwind(AssertUnwindSafe(|| waker.wake_by_ref()));
                }
            });
        }
        // SAFETY: the task has completed, so this is the last the worker has to do with it.
        unsafe {
            if local::unbind(header) {
                cell.scheduled.scheduler.retire();
            }
            drop_reference(header);
        }
    }

    unsafe fn schedule(header: NonNull<Header>) {
        // SAFETY: the caller made the one Runnable by a transition.
        unsafe { Self::cell(header) }.scheduled.scheduler.schedule(Runnable(header));
    }

    unsafe fn take_outcome(header: NonNull<Header>, room: *mut ()) {
        // SAFETY: the caller is the join handle and saw COMPLETED: the stage is its own.
        let stage = unsafe { Self::cell(header) }.stage.with_mut(|stage| {
            // SAFETY: as above.
            unsafe { std::mem::replace(&mut *stage, Stage::Gone) }
        });
        let Stage::Outcome(outcome) = stage else {
            panic!("a JoinHandle was polled again after it had returned its output");
        };
        // SAFETY: the caller vouches that `room` is this type, initialised.
        unsafe { *room.cast::<Poll<Result<F::Output, JoinError>>>() = Poll::Ready(outcome) };
    }

    unsafe fn drop_outcome(header: NonNull<Header>) {
        // SAFETY: it is the caller's turn at the stage. An output whose drop panics is reported
        // by the panic hook and has nobody else to tell.
        let _reported = unsafe { Self::replace_stage(Self::cell(header), Stage::Gone) };
    }

    unsafe fn join_waker(header: NonNull<Header>) -> NonNull<UnsafeCell<Option<Waker>>> {
        // SAFETY: the caller has a reference.
        NonNull::from(&unsafe { Self::cell(header) }.join_waker)
    }

    unsafe fn free(header: NonNull<Header>) {
        // SAFETY: the last reference is gone, and the cell came out of a Box in `new`. Future and
        // outcome went before; what is left to drop is the scheduler and the join waker.
        let cell = unsafe { Box::from_raw(header.cast::<Cell<F, S>>().as_ptr()) };
        // Does nothing but tell loom that everyone's use of the cell has to come before this.
        cell.stage.with_mut(|_| ());
        cell.join_waker.with_mut(|_| ());
    }
}
