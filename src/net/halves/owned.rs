//! The two halves of a stream, each owned, for two tasks.

/// Defines `OwnedReadHalf`, `OwnedWriteHalf` and `ReuniteError` of `$stream`, whose addresses are
/// `$address`.
macro_rules! owned_halves {
    ($stream:ident, $address:ty) => {
        #[doc = concat!("The reading half of a [`", stringify!($stream), "`]; see")]
        #[doc = concat!("[`", stringify!($stream), "::into_split`].")]
        ///
        /// Dropping it does nothing; the socket closes when both halves are gone.
        #[derive(Debug)]
        pub struct OwnedReadHalf {
            stream: ::std::sync::Arc<$stream>,
        }

        #[doc = concat!("The writing half of a [`", stringify!($stream), "`]; see")]
        #[doc = concat!("[`", stringify!($stream), "::into_split`].")]
        ///
        /// Dropping it shuts writing down, so that the peer sees the end of the stream;
        /// [`forget`](Self::forget) and [`reunite`](Self::reunite) do not.
        #[derive(Debug)]
        pub struct OwnedWriteHalf {
            stream: ::std::sync::Arc<$stream>,
            shutdown_on_drop: bool,
        }

        /// Both halves of a stream.
        fn halves(stream: $stream) -> (OwnedReadHalf, OwnedWriteHalf) {
            let stream = ::std::sync::Arc::new(stream);
            let read = OwnedReadHalf { stream: ::std::sync::Arc::clone(&stream) };
            (read, OwnedWriteHalf { stream, shutdown_on_drop: true })
        }

        impl OwnedReadHalf {
            #[inline(always)]
            fn stream(&self) -> &$stream {
                &self.stream
            }

            /// Puts the two halves of a stream together again. Nothing is shut down.
            ///
            /// # Errors
            ///
            /// [`ReuniteError`], with both halves in it, if they are not of the same stream.
            #[inline]
            pub fn reunite(self, write: OwnedWriteHalf) -> Result<$stream, ReuniteError> {
                reunite(self, write)
            }
        }

        impl OwnedWriteHalf {
            #[inline(always)]
            fn stream(&self) -> &$stream {
                &self.stream
            }

            fn close(&mut self) -> ::std::io::Result<()> {
                self.stream.shutdown(::std::net::Shutdown::Write)?;
                self.shutdown_on_drop = false;
                Ok(())
            }

            /// Puts the two halves of a stream together again. Nothing is shut down.
            ///
            /// # Errors
            ///
            /// [`ReuniteError`], with both halves in it, if they are not of the same stream.
            #[inline]
            pub fn reunite(self, read: OwnedReadHalf) -> Result<$stream, ReuniteError> {
                reunite(read, self)
            }

            /// Drops the half without shutting writing down: the peer sees no end of the stream
            /// until the reading half is dropped too, and with it the socket.
            #[inline]
            pub fn forget(mut self) {
                self.shutdown_on_drop = false;
            }
        }

        fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<$stream, ReuniteError> {
            if !::std::sync::Arc::ptr_eq(&read.stream, &write.stream) {
                return Err(ReuniteError(read, write));
            }
            write.forget();
            let stream = ::std::sync::Arc::into_inner(read.stream);
            Ok(stream.unwrap_or_else(|| unreachable!("a third half of a stream")))
        }

        impl Drop for OwnedWriteHalf {
            fn drop(&mut self) {
                if self.shutdown_on_drop {
                    // Nobody is left to tell; a dead connection has nothing to shut down.
                    let _nobody_to_tell = self.stream.shutdown(::std::net::Shutdown::Write);
                }
            }
        }

        $crate::net::halves::read_half!(OwnedReadHalf, $stream, $address);
        $crate::net::halves::write_half!(OwnedWriteHalf, $stream, $address);

        /// The halves given to `reunite` are not of the same stream. Both are in here.
        #[derive(Debug)]
        pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

        impl ::std::fmt::Display for ReuniteError {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str("the halves are not of the same stream")
            }
        }

        impl ::std::error::Error for ReuniteError {}
    };
}

pub(in crate::net) use owned_halves;
