#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A forwarding proxy on a free port: proxy.py LOG [USER:PASSWORD]. Prints its address; names below .test are this machine's.

Each request is a line of LOG: its method, host and port, and "token" if it carries one in the clear.
"""
import base64
import http.client
import http.server
import select
import socket
import sys
import urllib.parse

log = open(sys.argv[1], "a", buffering=1)
wanted = "Basic " + base64.b64encode(sys.argv[2].encode()).decode() if len(sys.argv) > 2 else None


def address(host):
    return "127.0.0.1" if host.endswith(".test") else host


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def is_welcome(self, host, port):
        got = self.headers.get("Proxy-Authorization")
        token = " token" if self.headers.get("Authorization") else ""
        welcome = not wanted or got == wanted
        log.write(f"{self.command} {host}:{port}{token}{'' if welcome else ' refused'}\n")
        if not welcome:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="test"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        return welcome

    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        self.close_connection = True
        if not self.is_welcome(host, port):
            return
        with socket.create_connection((address(host), int(port))) as server:
            self.connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            ends = {self.connection: server, server: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if not self.is_welcome(url.hostname, url.port):
            return
        server = http.client.HTTPConnection(address(url.hostname), url.port)
        headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")}
        server.request("GET", url.path + ("?" + url.query if url.query else ""), headers=headers)
        answer = server.getresponse()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        if answer.getheader("Content-Length") is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        while data := answer.read(65536):
            self.wfile.write(data)
        server.close()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
