//! The two halves of a borrowed stream.

/// Defines `ReadHalf` and `WriteHalf` of `$stream`, whose addresses are `$address`.
macro_rules! borrowed_halves {
    ($stream:ident, $address:ty) => {
        #[doc = concat!("The reading half of a borrowed [`", stringify!($stream), "`]; see")]
        #[doc = concat!("[`", stringify!($stream), "::split`].")]
        #[derive(Debug)]
        pub struct ReadHalf<'a>(&'a $stream);

        #[doc = concat!("The writing half of a borrowed [`", stringify!($stream), "`]; see")]
        #[doc = concat!("[`", stringify!($stream), "::split`].")]
        ///
        /// Closing it (`poll_close`) shuts writing down; dropping it does nothing.
        #[derive(Debug)]
        pub struct WriteHalf<'a>(&'a $stream);

        impl<'a> ReadHalf<'a> {
            #[inline(always)]
            fn stream(&self) -> &'a $stream {
                self.0
            }
        }

        impl<'a> WriteHalf<'a> {
            #[inline(always)]
            fn stream(&self) -> &'a $stream {
                self.0
            }

            fn close(&mut self) -> ::std::io::Result<()> {
                self.0.shutdown(::std::net::Shutdown::Write)
            }
        }

        $crate::net::halves::read_half!(ReadHalf<'_>, $stream, $address);
        $crate::net::halves::write_half!(WriteHalf<'_>, $stream, $address);
    };
}

pub(in crate::net) use borrowed_halves;
