//! The cross-thread kick: makes a blocked [`Selector::select`](crate::Selector::select) return.
//!
//! Notifications coalesce: any number before the loop looks is one event with the notifier's
//! token. A notification made before `select` begins is kept. `drain` is called by the loop when
//! it sees that event; what it must do differs by mechanism and is written in each file.
//!
//! Called by the driver and by raw loops; *notify* here is never a task's wake-up.

cfg_if::cfg_if! {
    if #[cfg(edgewake_notifier = "eventfd")] {
        mod eventfd;
        pub use self::eventfd::Notifier;
    } else if #[cfg(edgewake_notifier = "user_event")] {
        mod user_event;
        pub use self::user_event::Notifier;
    } else {
        #[path = "notifier/pipe.rs"]
        mod self_pipe;
        pub use self::self_pipe::Notifier;
    }
}
