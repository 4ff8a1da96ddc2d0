"""Debian's real Alertmanager on a free loopback port, forwarding to a webhook; ends what it started."""
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request

from mail_server import free_port

PROGRAM = shutil.which("prometheus-alertmanager")
CONFIG = """
route: {receiver: hook, group_by: [alertname, agent], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: hook
    webhook_configs: [{url: "%s", send_resolved: true}]
"""


class Alertmanager:
    def __init__(self, hook_url):
        self.folder = tempfile.TemporaryDirectory(prefix="barograph-am-")
        self.port = free_port()
        path = self.folder.name + "/alertmanager.yml"
        with open(path, "w") as config:
            config.write(CONFIG % hook_url)
        self.output = open(self.folder.name + "/log", "w+")
        self.process = subprocess.Popen(
            [PROGRAM, f"--config.file={path}", f"--storage.path={self.folder.name}/data", "--cluster.listen-address=",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.output, stderr=self.output)
        for _ in range(600):
            try:
                self.get("/-/ready")
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        self.close()
        raise RuntimeError("Alertmanager did not start")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.read().decode()

    def alerts(self):
        return json.loads(self.get("/api/v2/alerts"))

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.output.close()
        self.folder.cleanup()
