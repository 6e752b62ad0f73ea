"""What the drivers have in common: orders come as lines of JSON on standard input, answers go back on standard output.

An order is {"do": NAME, ...}, its answer a document; {"error": TEXT} if it failed. Whose image it is, and where, comes from the
environment: OS_AUTH_URL and its like, and IMAGE_URL.
"""

import json
import os
import sys
import traceback

from keystoneauth1 import identity, session


def serve(**handlers):
    """Answers orders until standard input ends. What a library prints goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = handlers[order.pop("do")](**order)
        except Exception as failure:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
            answer = {"error": f"{type(failure).__name__}: {failure}"}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


def signed_in():
    """(session, what Keystone says of the token)."""
    password = identity.V3Password(
        auth_url=os.environ["OS_AUTH_URL"], username=os.environ["OS_USERNAME"], password=os.environ["OS_PASSWORD"],
        project_name=os.environ["OS_PROJECT_NAME"], user_domain_id="default", project_domain_id="default")
    one = session.Session(auth=password)
    return one, password.get_access(one)


def catalogue(access):
    """In the older form, which Nova and Cinder hand on with a request."""
    return [{"type": entry["type"], "name": entry.get("name", ""), "endpoints": [
        {"region": place["region"], f"{place['interface']}URL": place["url"]} for place in entry["endpoints"]]}
        for entry in access.service_catalog.catalog]
