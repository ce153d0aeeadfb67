//! The commands of an agent that has read SKILL.md: a shell with curl, `BASE` and `KONEKTOR_API_KEY`.

mod guide;
mod seven;

use konektor_tests::Server;
use serde_json::Value;
use tokio::process::Command;

/// Runs a command in bash. Returns the status and the body of the response.
async fn shell(server: &Server, line: &str) -> (u16, String) {
    let line = format!("{line} -w '\\n%{{http_code}}'");
    let output = Command::new("bash")
        .args(["-euc", &line])
        .env("BASE", format!("{}/api/v2/agent", server.url))
        .env("KONEKTOR_API_KEY", &server.key)
        .env("NO_PROXY", "*")
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// Like `sh`, for a successful JSON response.
async fn ask(server: &Server, line: &str) -> Value {
    let (status, body) = shell(server, line).await;
    assert!((200..300).contains(&status), "{line}: {status} {body}");
    serde_json::from_str(&body).unwrap()
}
