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

/// `_IO(7, 0xb9)` of `<linux/vm_sockets.h>`: nothing is transferred, which MIPS, PowerPC and SPARC
/// call 1 in bit 29 (`_IOC_NONE` of their `<asm/ioctl.h>`).
#[cfg(edgewake_has = "vsock_local_cid")]
const GET_LOCAL_CID: u32 = {
    let none = cfg!(any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "powerpc",
        target_arch = "powerpc64",
        target_arch = "sparc",
        target_arch = "sparc64",
    ));
    (none as u32) << 29 | 0x7b9
};
