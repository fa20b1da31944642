//! The futures of a copy: in one direction, and in both.
//!
//! They own the flows and know the types; at each poll the two ends are handed to the flows as
//! objects, so that the futures are `Send` where the caller's types are.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::io::{AsyncRead, AsyncWrite};

use super::watch::Watched;
use super::{
    flow::{End, Flow, Plan},
    options::CopyOptions,
    port::Port,
};

/// Everything from a reader to a writer.
pub(super) struct OneWay<'a, 'c, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    flow: Flow,
    options: CopyOptions<'c>,
}

impl<'a, 'c, R: ?Sized, W: ?Sized> OneWay<'a, 'c, R, W> {
    #[inline]
    pub(super) fn new(
        options: CopyOptions<'c>,
        reader: &'a mut R,
        writer: &'a mut W,
    ) -> OneWay<'a, 'c, R, W> {
        OneWay { reader, writer, flow: Flow::new(End::Flush, &options), options }
    }
}

impl<R, W> Future for OneWay<'_, '_, R, W>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    type Output = io::Result<u64>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let this = &mut *self;
        let (mut from, mut to) = (Port(&mut *this.reader), Port(&mut *this.writer));
        ready!(this.flow.poll(cx, &mut from, &mut to, &Plan::new(&this.options, 0)))?;
        Poll::Ready(Ok(this.flow.count()))
    }
}

/// Everything from `a` to `b` and from `b` to `a`.
pub(super) struct Bidirectional<'a, 'c, A: ?Sized, B: ?Sized> {
    a: &'a mut A,
    b: &'a mut B,
    /// From `a` to `b`.
    there: Flow,
    /// From `b` to `a`.
    back: Flow,
    options: CopyOptions<'c>,
    watched: [Watched; 2],
}

impl<'a, 'c, A: ?Sized, B: ?Sized> Bidirectional<'a, 'c, A, B> {
    #[inline]
    pub(super) fn new(
        options: CopyOptions<'c>,
        a: &'a mut A,
        b: &'a mut B,
    ) -> Bidirectional<'a, 'c, A, B> {
        Bidirectional {
            a,
            b,
            there: Flow::new(End::Close, &options),
            back: Flow::new(End::Close, &options),
            options,
            watched: [Watched::default(), Watched::default()],
        }
    }
}

impl<A, B> Future for Bidirectional<'_, '_, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    type Output = io::Result<(u64, u64)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<(u64, u64)>> {
        let this = &mut *self;
        let (mut a, mut b) = (Port(&mut *this.a), Port(&mut *this.b));
        let there = this.there.poll(cx, &mut a, &mut b, &Plan::new(&this.options, 0));
        let back = this.back.poll(cx, &mut b, &mut a, &Plan::new(&this.options, 1));
        // Not before both: an end that refuses what it is sent may have said why.
        let (there, back) = (there?, back?);
        if there.is_ready() && back.is_ready() {
            return Poll::Ready(Ok((this.there.count(), this.back.count())));
        }
        let [watch_a, watch_b] = &mut this.watched;
        watch_a.look(cx, &*this.a, &this.there, &this.back)?;
        watch_b.look(cx, &*this.b, &this.back, &this.there)?;
        Poll::Pending
    }
}

/// The ends outlive this, and what is watched of them must not.
impl<A: ?Sized, B: ?Sized> Drop for Bidirectional<'_, '_, A, B> {
    fn drop(&mut self) {
        let [watch_a, watch_b] = &mut self.watched;
        watch_a.forget(&*self.a);
        watch_b.forget(&*self.b);
    }
}
