"""What the server writes to a store behind its answers."""

from harness.wait import eventually


def written_behind(root, store):
    """Waits for a run of the store's writer of manifests that began after this was asked: nothing is under way to the store then."""

    def runs():
        (job,) = [job for job in root.get("/jobs").json["jobs"] if job["name"] == f"manifests of {store}"]
        assert not job.get("failure"), job
        return job["runs"]

    before = runs()
    eventually(lambda: runs() > before + 1, "another run of the writer", seconds=180)
