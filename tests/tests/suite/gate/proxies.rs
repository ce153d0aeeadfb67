//! The client address behind proxies: which headers are trusted, and what depends on the address.

use std::net::IpAddr;

use konektor_server::domain::address;
use konektor_tests::{Answer, Options, Server, ServerProcess, both_engines, serve};

const SCOPE: &[&str] = &["agent.workspace.read"];

/// The addresses of a trusted proxy and of an untrusted peer.
const PROXY: &str = "127.0.0.1";
const ANYBODY: &str = "127.0.0.2";

/// Header lines.
type Lines<'a> = &'a [(&'a str, &'a str)];

/// Options of a server with trusted proxies.
fn behind_proxies() -> Options {
    let ranges = [PROXY, "10.0.0.0/8", "2001:db8:ffff::/48"];
    Options {
        trusted_proxies: ranges.map(|range| address::range(range).unwrap()).to_vec(),
        ..Options::default()
    }
}

/// Reads the workspace from a local address.
async fn ask(url: &str, peer: &str, key: &str, lines: Lines<'_>) -> Answer {
    let peer: IpAddr = peer.parse().unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .local_address(peer)
        .build()
        .unwrap();
    let request = client
        .get(format!("{url}/api/v2/agent/workspace"))
        .bearer_auth(key);
    let request = lines.iter().fold(request, |request, (name, line)| {
        request.header(*name, *line)
    });
    Answer::read(request.send().await.unwrap()).await
}

async fn status(server: &Server, peer: &str, key: &str, lines: Lines<'_>) -> u16 {
    ask(&server.url, peer, key, lines).await.status
}

/// Creates a key with an allowlist. An empty list allows all addresses.
async fn key_for(server: &Server, allowed: &[&str]) -> String {
    server
        .key_with(&server.workspace, SCOPE, |key| {
            key.ip_allow = allowed.iter().map(|entry| (*entry).to_owned()).collect();
        })
        .await
}

/// Fails to authenticate, and returns how many failures are left before throttling.
async fn failures_left(server: &Server, peer: &str, lines: Lines<'_>) -> i64 {
    let answer = ask(&server.url, peer, "bad", lines).await;
    assert_eq!(answer.status, 401);
    answer.number("x-ratelimit-remaining")
}

/// Forwarded values that are not addresses.
const NONSENSE: [&str; 9] = [
    "unknown",
    "_hidden",
    "",
    "203.0.113.7,",
    "203.0.113.7 10.0.0.1",
    "203.0.113.007",
    "203.0.113.7/32",
    "fe80::1%eth0",
    "\u{e9}",
];

both_engines! {
    options: behind_proxies();

    async fn what_anybody_forwards_is_not_believed(server) {
        let (far, own) = (key_for(&server, &["203.0.113.7"]).await, key_for(&server, &[ANYBODY]).await);
        for line in [
            ("x-forwarded-for", "203.0.113.7"),
            ("forwarded", "for=203.0.113.7"),
            ("x-real-ip", "203.0.113.7"),
            ("x-forwarded-for", "nonsense"),
            ("forwarded", "nonsense"),
        ] {
            assert_eq!(status(&server, ANYBODY, &far, &[line]).await, 403, "{line:?}");
            assert_eq!(status(&server, ANYBODY, &own, &[line]).await, 200, "{line:?}");
        }
    }

    async fn a_proxy_is_believed_from_the_right_up_to_the_first_that_is_none(server) {
        let key = key_for(&server, &["203.0.113.7", "2001:db8::/48"]).await;
        for (name, line, expected) in [
            ("x-forwarded-for", "203.0.113.7", 200),
            ("x-forwarded-for", "192.0.2.1", 403),
            ("x-forwarded-for", "192.0.2.1, 203.0.113.7", 200),
            ("x-forwarded-for", "203.0.113.7, 192.0.2.1", 403),
            ("x-forwarded-for", "203.0.113.7, 10.0.0.2", 200),
            ("x-forwarded-for", "nonsense, 203.0.113.7:4711,10.0.0.2", 200),
            ("x-forwarded-for", "203.0.113.7, 192.0.2.1, 10.0.0.2", 403),
            ("x-forwarded-for", "::ffff:203.0.113.7", 200),
            ("x-forwarded-for", "203.0.113.7, ::ffff:10.0.0.2", 200),
            ("x-forwarded-for", "2001:db8::1, 2001:db8:ffff::2", 200),
            ("x-forwarded-for", "2001:db8:1::1", 403),
            ("x-forwarded-for", "10.0.0.3", 403),
            ("forwarded", "for=203.0.113.7", 200),
            ("forwarded", "For=\"203.0.113.7:4711\";proto=https;by=10.0.0.1", 200),
            ("forwarded", "for=192.0.2.1, for=203.0.113.7, for=10.0.0.2", 200),
            ("forwarded", "for=203.0.113.7, for=192.0.2.1", 403),
            ("forwarded", "for=\"[2001:db8::1]:4711\"", 200),
            ("forwarded", "for=\"[::ffff:203.0.113.7]\"", 200),
            ("x-real-ip", "203.0.113.7", 403),
        ] {
            assert_eq!(status(&server, PROXY, &key, &[(name, line)]).await, expected, "{name}: {line}");
        }
    }

    async fn several_lines_of_a_header_are_one(server) {
        let key = key_for(&server, &["203.0.113.7"]).await;
        for name in ["x-forwarded-for", "forwarded"] {
            let node = |address: &str| if name == "forwarded" { format!("for={address}") } else { address.into() };
            let (client, other, proxy) = (node("203.0.113.7"), node("192.0.2.1"), node("10.0.0.2"));
            for (lines, expected) in [
                ([&other, &client], 200),
                ([&client, &other], 403),
                ([&client, &proxy], 200),
                ([&proxy, &client], 200),
                ([&client, &String::new()], 403),
            ] {
                let lines = lines.map(|line| (name, line.as_str()));
                assert_eq!(status(&server, PROXY, &key, &lines).await, expected, "{lines:?}");
            }
        }
    }

    async fn two_headers_that_do_not_agree_name_nobody(server) {
        let key = key_for(&server, &["203.0.113.7"]).await;
        for (new, old, expected) in [
            ("for=203.0.113.7", "203.0.113.7", 200),
            ("for=203.0.113.7", "192.0.2.1", 403),
            ("for=192.0.2.1", "203.0.113.7", 403),
            ("for=192.0.2.1, for=203.0.113.7", "203.0.113.7, 10.0.0.2", 200),
            ("for=203.0.113.7", "nonsense", 403),
            ("nonsense", "203.0.113.7", 403),
        ] {
            let lines = [("forwarded", new), ("x-forwarded-for", old)];
            assert_eq!(status(&server, PROXY, &key, &lines).await, expected, "{lines:?}");
        }
    }

    async fn a_client_that_is_not_known_is_kept_out_by_any_list(server) {
        let everywhere = key_for(&server, &["0.0.0.0/0", "::/0"]).await;
        let without = key_for(&server, &[]).await;
        for nonsense in NONSENSE {
            for line in [("x-forwarded-for", nonsense), ("forwarded", nonsense)] {
                let answer = ask(&server.url, PROXY, &everywhere, &[line]).await;
                assert_eq!(
                    (answer.status, answer.message()),
                    (403, "The key may not be used from this address"),
                    "{line:?}"
                );
                assert_eq!(status(&server, PROXY, &without, &[line]).await, 200, "{line:?}");
            }
        }
    }

    async fn a_proxy_that_forwards_nothing_asks_for_itself(server) {
        let key = key_for(&server, &[PROXY]).await;
        assert_eq!(status(&server, PROXY, &key, &[]).await, 200);
        assert_eq!(status(&server, PROXY, &key, &[("x-forwarded-for", "203.0.113.7")]).await, 403);
        assert_eq!(status(&server, ANYBODY, &key, &[]).await, 403);
    }

    async fn failures_are_counted_for_the_client_and_not_for_its_proxy(server) {
        let forwarded = |line: &'static str| [("x-forwarded-for", line)];
        for (line, left) in [
            ("203.0.113.7", 99),
            ("203.0.113.8", 99),
            ("203.0.113.7", 98),
            // Additional addresses on the left do not matter.
            ("192.0.2.1, 203.0.113.7", 97),
            ("nonsense, ::ffff:203.0.113.7, 10.0.0.2", 96),
            // IPv6 addresses count by /64.
            ("2001:db8::1", 99),
            ("2001:db8::ffff:0:0:1", 98),
            ("2001:db8:0:1::1", 99),
        ] {
            assert_eq!(failures_left(&server, PROXY, &forwarded(line)).await, left, "{line}");
        }
        assert_eq!(failures_left(&server, PROXY, &[("forwarded", "for=203.0.113.7")]).await, 95);
        // Without a client address the proxy itself is counted. Headers of an untrusted peer are ignored.
        assert_eq!(failures_left(&server, PROXY, &forwarded("unknown")).await, 99);
        assert_eq!(failures_left(&server, PROXY, &[]).await, 98);
        assert_eq!(failures_left(&server, ANYBODY, &forwarded("203.0.113.9")).await, 99);
        assert_eq!(failures_left(&server, ANYBODY, &forwarded("203.0.113.10")).await, 98);
    }

    async fn one_clients_failures_throttle_nobody_else_behind_the_proxy(server) {
        let forwarded = |line: &'static str| [("x-forwarded-for", line)];
        for _ in 0..100 {
            failures_left(&server, PROXY, &forwarded("203.0.113.7")).await;
        }
        assert_eq!(ask(&server.url, PROXY, "bad", &forwarded("203.0.113.7")).await.status, 429);
        assert_eq!(failures_left(&server, PROXY, &forwarded("203.0.113.8")).await, 99);
        let refused = ask(&server.url, PROXY, &key_for(&server, &["192.0.2.1"]).await, &forwarded("203.0.113.7")).await;
        assert_eq!((refused.status, refused.number("x-ratelimit-remaining")), (403, 0), "the client's throttle");
    }

    async fn the_program_takes_proxies_of_both_families_on_one_socket(server) {
        let listen = ["--listen", "[::]:0", "--trusted-proxy", "127.0.0.1,2001:db8::/32", "--trusted-proxy", "::1"];
        let program = ServerProcess::start(serve(&server.database, "info").args(listen));
        let port = program.url.rsplit(':').next().unwrap();
        let (v4, v6) = (format!("http://127.0.0.1:{port}"), format!("http://[::1]:{port}"));
        let (far, near) = (key_for(&server, &["203.0.113.7"]).await, key_for(&server, &[ANYBODY]).await);
        let lines = [("x-forwarded-for", "203.0.113.7")];
        // On a dual-stack socket IPv4 peers have IPv4-mapped addresses.
        assert_eq!(ask(&v4, PROXY, &far, &lines).await.status, 200);
        assert_eq!(ask(&v6, "::1", &far, &lines).await.status, 200);
        assert_eq!(ask(&v4, ANYBODY, &far, &lines).await.status, 403);
        assert_eq!(ask(&v4, ANYBODY, &near, &lines).await.status, 200);
        program.stop();
    }
}
