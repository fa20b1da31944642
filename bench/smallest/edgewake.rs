//! The echo server of edgewake's README.

use edgewake::net::{Ipv4Addr, TcpListener};
use futures::{AsyncReadExt, AsyncWriteExt};

fn main() -> std::io::Result<()> {
    edgewake::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 8000)).await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            edgewake::spawn(async move {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                    if stream.write_all(&bytes[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    })
}
