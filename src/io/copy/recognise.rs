//! Finding this crate's own descriptors behind the types that a copy was given.
//!
//! `copy` takes any `AsyncRead` and any `AsyncWrite`, borrowed ones too, so `Any` cannot tell what
//! they are: it is for types without lifetimes. Here the identities are compared with the
//! lifetimes erased. `known!` holds the one list of what is found; a wrapper is not in it,
//! so nothing is ever read or written past one.
//!
//! Called by `port`. It decides nothing but "is it one of these".
#![allow(unsafe_code, reason = "a type with a lifetime has no `TypeId` in safe code")]

use std::{any::TypeId, marker::PhantomData, mem::transmute, os::fd::OwnedFd, ptr};

#[cfg(feature = "net")]
use crate::net::{TcpStream, UnixStream, VsockStream, tcp, unix, vsock};
use crate::{async_fd::AsyncFd, io::pipe};

/// A descriptor that a copy may use directly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(super) io: &'a AsyncFd<OwnedFd>,
    pub(super) kind: LinkKind,
}

/// What is behind a [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkKind {
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "only `net` makes one"))]
    Tcp,
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "only `net` makes one"))]
    Unix,
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "only `net` makes one"))]
    Vsock,
    Pipe,
}

impl<'a> Link<'a> {
    #[inline]
    pub(crate) fn new(io: &'a AsyncFd<OwnedFd>, kind: LinkKind) -> Link<'a> {
        Link { io, kind }
    }
}

/// A type of this crate that reads from or writes to a descriptor and does nothing else.
pub(crate) trait Linked {
    /// Its descriptor.
    fn link(&self) -> Link<'_>;
}

/// The descriptor behind `value`, if that is one of the known types, or a reference to one.
#[inline]
pub(super) fn link<T: ?Sized>(value: &T) -> Option<Link<'_>> {
    known(value)
}

macro_rules! known {
    ($($(#[$attribute:meta])* $type:ty),* $(,)?) => {
        /// The list. Each type must be covariant in its lifetimes: see `seen_as`.
        #[inline]
        fn known<T: ?Sized>(value: &T) -> Option<Link<'_>> {
            $(
                $(#[$attribute])*
                if let Some(link) = linked::<T, $type>(value) {
                    return Some(link);
                }
            )*
            None
        }
    };
}

known! {
    pipe::Receiver,
    pipe::Sender,
    #[cfg(feature = "net")] TcpStream,
    #[cfg(feature = "net")] tcp::ReadHalf<'static>,
    #[cfg(feature = "net")] tcp::WriteHalf<'static>,
    #[cfg(feature = "net")] tcp::OwnedReadHalf,
    #[cfg(feature = "net")] tcp::OwnedWriteHalf,
    #[cfg(feature = "net")] UnixStream,
    #[cfg(feature = "net")] unix::ReadHalf<'static>,
    #[cfg(feature = "net")] unix::WriteHalf<'static>,
    #[cfg(feature = "net")] unix::OwnedReadHalf,
    #[cfg(feature = "net")] unix::OwnedWriteHalf,
    #[cfg(feature = "net")] VsockStream,
    #[cfg(feature = "net")] vsock::ReadHalf<'static>,
    #[cfg(feature = "net")] vsock::WriteHalf<'static>,
    #[cfg(feature = "net")] vsock::OwnedReadHalf,
    #[cfg(feature = "net")] vsock::OwnedWriteHalf,
}

/// The descriptor behind `value` if it is a `K`, a `&K` or a `&mut K`, of whatever lifetimes.
#[inline]
fn linked<T: ?Sized, K: Linked + 'static>(value: &T) -> Option<Link<'_>> {
    // SAFETY: `K` stands in the list, whose types are covariant in their lifetimes; so are shared
    // references, and a `&mut K` behind a shared reference is no more than a `&K`, which has its
    // layout.
    unsafe {
        let shared = || seen_as::<T, &'static K, &'static K>(value).map(|known| &**known);
        let unique = || seen_as::<T, &'static mut K, &'static K>(value).map(|known| &**known);
        seen_as::<T, K, K>(value).or_else(shared).or_else(unique).map(K::link)
    }
}

/// `value` as a `V` if its type is `K` up to lifetimes.
///
/// The reference that is returned may claim a longer life for what is *in* `value` than that has:
/// the caller has to hand on nothing of it that outlives the reference itself. `Linked::link` does
/// not: what it returns is bound to the reference.
///
/// # Safety
///
/// - `K` is covariant in its lifetimes: a `K` of any lifetimes may be looked at as one of shorter
///   ones.
/// - `V` is `K`, or has its layout and allows no more behind a shared reference than `K` does.
#[inline]
unsafe fn seen_as<T: ?Sized, K: 'static, V: 'static>(value: &T) -> Option<&V> {
    if identity::<T>() != TypeId::of::<K>() {
        return None;
    }
    // SAFETY: the types are the same up to lifetimes, which have no part in layout, so `T` is
    // sized as well and the pointer thin; the caller answers for the lifetimes and for `V`.
    Some(unsafe { &*ptr::from_ref(value).cast::<V>() })
}

/// The identity of a type as if all its lifetimes were `'static`.
#[inline]
fn identity<T: ?Sized>() -> TypeId {
    trait Identified {
        fn identity(&self) -> TypeId
        where
            Self: 'static;
    }

    impl<T: ?Sized> Identified for PhantomData<T> {
        #[inline]
        fn identity(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }

    let marker = PhantomData::<T>;
    let object: &dyn Identified = &marker;
    // SAFETY: the two types differ in the lifetime bound of the object alone, which has no part in
    // its layout or in its vtable; the method that the longer bound allows to be called computes a
    // constant from the type and touches nothing with a lifetime. The object is not used after.
    let object =
        unsafe { transmute::<&(dyn Identified + '_), &(dyn Identified + 'static)>(object) };
    object.identity()
}
