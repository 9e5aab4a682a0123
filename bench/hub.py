# SPDX-License-Identifier: Apache-2.0
"""The server side: the test Hub with its delays and rates, and an index in HTML for programs that know only that."""
import http.client
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.parse

# delay before every answer in ms, MB/s of a connection, MB/s of all together; 0: none
SHAPES = {
    "loopback": (0, 0, 0),
    "near": (20, 100, 800),
    "link": (20, 50, 300),
    "far": (80, 25, 300),
}


def describe_shape(name):
    delay, conn, total = SHAPES[name]
    if not conn:
        return "nothing slowed down"
    return f"{delay} ms before every answer, {conn} MB/s a connection, {total} MB/s in all"


class Hub:
    """A server of its own for the folder."""

    def __init__(self, program, folder, state):
        self.process = subprocess.Popen([*program, folder, "--listen", "127.0.0.1:0", "--state", state],
                                        stdout=subprocess.PIPE, text=True)
        self.endpoint = self.process.stdout.readline().strip()
        if not self.endpoint:
            raise SystemExit("the server did not start")
        self.address = urllib.parse.urlsplit(self.endpoint).netloc
        self.pid = self.process.pid
        self.delay_s = 0

    def ask(self, path, method="GET"):
        """(body, headers); 302 is an answer like others."""
        connection = http.client.HTTPConnection(self.address, timeout=600)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status >= 400:
                raise SystemExit(f"{path}: status {answer.status}")
            return body, answer.headers
        finally:
            connection.close()

    def shape(self, name):
        delay, conn, total = SHAPES[name]
        self.delay_s = delay / 1000
        self.ask(f"/_test/shape?delay_ms={delay}&conn_bps={conn * 1000000}&total_bps={total * 1000000}", "POST")

    def break_answers(self):
        """Bytes are inverted, and each listing has an entry too many, so that a test can see whether a case sees it."""
        self.ask("/_test/fault?kind=flip&arg=65537&route=cdn", "POST")
        self.ask("/_test/fault?kind=flip&arg=65537&route=resolve-cache", "POST")
        self.ask("/_test/fault?kind=entry&arg=one-too-many&route=tree", "POST")

    def reset(self):
        self.ask("/_test/reset", "POST")

    def counts(self):
        return json.loads(self.ask("/_test/stats")[0])

    def learn(self, repo):
        """The server computes digests now, before anything is timed."""
        self.ask(f"/api/models/bench/{repo.name}")
        self.ask(f"/api/models/bench/{repo.name}/tree/main?recursive=true")

    def resolve_url(self, repo, path):
        return f"{self.endpoint}/bench/{repo.name}/resolve/main/{urllib.parse.quote(path)}"

    def content_url(self, repo, path):
        """Where the bytes themselves are."""
        url = self.resolve_url(repo, path)
        _, headers = self.ask(url.removeprefix(self.endpoint), "HEAD")
        return urllib.parse.urljoin(url, headers["Location"]) if headers["Location"] else url

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()


class Index:
    """
    One repository as a folder in HTML. Its files are redirects to where the bytes are, so those are shaped and counted; its own
    answers come as late as the hub's.
    """

    def __init__(self, hub, repo):
        names = [f.path for f in repo.files]
        targets = {"/" + n: hub.content_url(repo, n) for n in names}
        page = "<html><body>" + "".join(f'<a href="{n}">{n}</a>\n' for n in names) + "</body></html>"

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                time.sleep(hub.delay_s)
                body = page.encode() if self.path == "/" else b""
                target = targets.get(self.path)
                self.send_response(200 if body else 302 if target else 404)
                if target:
                    self.send_header("Location", target)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_GET = do_HEAD

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a client that is killed hangs up

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def make_hub(args, store):
    return Hub([os.path.join(args.build, "hub-faulty")], store.hub, os.path.join(args.work, "state"))
