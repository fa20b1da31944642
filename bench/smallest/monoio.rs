//! The same server on monoio, which has to own the buffer while the kernel works on it.

use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::TcpListener;

fn main() -> std::io::Result<()> {
    let runtime = monoio::RuntimeBuilder::<monoio::FusionDriver>::new();
    runtime.build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:8000")?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            monoio::spawn(async move {
                let mut bytes = Vec::with_capacity(4096);
                loop {
                    let (count, read) = stream.read(bytes).await;
                    let Ok(1..) = count else { return };
                    let (sent, written) = stream.write_all(read).await;
                    if sent.is_err() {
                        return;
                    }
                    bytes = written;
                    bytes.clear();
                }
            });
        }
    })
}
