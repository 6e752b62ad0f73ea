"""The server in the machine, and what its kernel counts."""

from harness.wait import eventually

ADDRESS = "https://127.0.0.1:4568"
ACCESS_KEY, SECRET = "root-of-the-test", "c2VjcmV0LW9mLXRoZS1yb290LWFjY291bnQ"

# No right beyond an account's, as under the unit: so the server can't load a module, and uses what the operator has loaded.
START = f"""
mkdir -p /tmp/visor/certificates && cd /tmp/visor
cat >visor-config.yml <<END
listeners:
- address: 127.0.0.1:4568
  tls:
    certificate: /tmp/visor/certificates/server.pem
    key: /tmp/visor/certificates/server.key
accounts:
  anonymous_read: true
  unsigned_payload: allowed
log:
  level: debug
stores:
  file: {{}}
  memory: {{capacity: 64 MiB}}
END
cat >renew <<'END'
set -e
cd /tmp/visor/certificates
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \\
  -addext subjectAltName=IP:127.0.0.1 -keyout new.key -out new.pem 2>/dev/null
chown visor new.key
mv new.key server.key
mv new.pem server.pem
END
sh renew first
chown -R visor:visor /tmp/visor
export VISOR_ROOT_ACCESS_KEY={ACCESS_KEY} VISOR_ROOT_SECRET_KEY={SECRET}
start-stop-daemon -S -b -c visor -p none -x /bin/sh -- -c \\
  'exec visord --data /tmp/visor/data --config /tmp/visor/visor-config.yml >/tmp/visor/printed 2>/tmp/visor/log'
"""


class GuestServer:
    """visord over TLS on the loopback address of the machine, as an account without rights."""

    def __init__(self, machine):
        self.machine = machine
        self.run = machine.run

    def start(self):
        """Its process."""
        self.run(START)
        eventually(lambda: "listening on https" in self.log(), "the server listens")
        return self.process()

    def process(self):
        return self.run("pidof visord", status=None)

    def stop(self):
        """The process that has ended."""
        stopped = self.process()
        self.run("killall visord")
        eventually(lambda: not self.process(), "the server has stopped")
        return stopped

    def log(self):
        return self.run("cat /tmp/visor/log", status=None)

    # --- the kernel ---

    def with_module(self):
        self.run("modprobe tls")

    def without_module(self):
        # The last connection that used it may still be on its way out.
        eventually(lambda: self.run("rmmod tls; ls /proc/net/tls_stat", status=None).endswith("No such file or directory"), "the module is gone")

    def counters(self):
        """What /proc/net/tls_stat says."""
        return {name: int(value) for name, value in map(str.split, self.run("cat /proc/net/tls_stat").splitlines())}

    # --- clients ---

    def curl(self, options, path):
        """The command line of a curl that trusts the certificate."""
        return f"curl -sS --fail-with-body --max-time 150 --cacert /tmp/visor/certificates/server.pem {options} {ADDRESS}{path}"

    def signed(self, options, path):
        """What curl prints when the root account asks."""
        return self.run(self.curl(f"--aws-sigv4 aws:amz:local:visor -u {ACCESS_KEY}:{SECRET} {options}", path))
