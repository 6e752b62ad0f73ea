"""`visor import glance` as people run it."""

import json
import os
import subprocess

from harness.server import BINARIES

from .keystone import USERS


def variables(keystone, user="admin"):
    who = USERS[user]
    return {"OS_AUTH_URL": keystone.auth_url, "OS_USERNAME": who.name, "OS_PASSWORD": who.password, "OS_PROJECT_NAME": who.project}


def command(source, target, *words):
    return [str(BINARIES / "visor"), "import", "glance", "--from", source.url, "--to", target.url, *words]


def bring(source, target, *words, environment):
    """(exit status, what it printed as JSON, what it said)."""
    done = subprocess.run(command(source, target, "--json", *words), env={**os.environ, **environment}, capture_output=True, text=True,
                          timeout=300, check=False)
    return done.returncode, json.loads(done.stdout)["import"] if done.stdout else None, done.stderr


def outcomes(report):
    return {image["id"]: image["outcome"] for image in report["images"]}
