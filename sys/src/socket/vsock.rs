//! What sockets between virtual machines have of their own.

use std::io;

/// The context identifier of this machine: what a host calls its virtual machine, or
/// [`HOST`](crate::sockaddr::VsockAddr::HOST) on a host. Makes three system calls, of which one
/// opens `/dev/vsock`.
///
/// # Errors
///
/// `ENOENT` where no driver for such sockets is loaded;
/// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux and Android.
///
/// # References
///
/// [vsock(7)](https://man7.org/linux/man-pages/man7/vsock.7.html) "Ioctls"
#[doc(alias = "IOCTL_VM_SOCKETS_GET_LOCAL_CID")]
pub fn local_cid() -> io::Result<u32> {
    #[cfg(edgewake_has = "vsock_local_cid")]
    {
        use std::os::fd::AsRawFd;
        /// `_IO(7, 0xb9)` of `<linux/vm_sockets.h>`.
        const GET_LOCAL_CID: u32 = 0x7b9;
        let device = std::fs::File::open("/dev/vsock")?;
        let mut cid = 0_u32;
        // SAFETY: the request writes one `unsigned int`, and `cid` is that, for the whole call.
        unsafe { syscall!(ioctl(device.as_raw_fd(), GET_LOCAL_CID as _, &raw mut cid)) }?;
        Ok(cid)
    }
    #[cfg(not(edgewake_has = "vsock_local_cid"))]
    {
        let sentence = "this system does not tell its own vsock identifier (/dev/vsock)";
        Err(io::Error::new(io::ErrorKind::Unsupported, sentence))
    }
}
