"""What a server does while something goes wrong."""

import signal
import threading

from harness.payload import data

from .ledger import Died


def upload_small(scene):
    scene.client().upload(data(4_000, "small"))


def upload_chunked(scene):
    scene.client().upload(data(300_000, "chunked"), chunked=True)


def upload_over_one_slice(scene):
    scene.client().upload(data(3 * 1024 * 1024 + 1, "slices"))


def upload_large_chunked(scene):
    """Longer than the piece in which write-back is started."""
    scene.client().upload(data(17_000_000, "large"), chunked=True)


def register_change_and_put(scene):
    client = scene.client()
    image = client.register("before")
    client.rename(image, "after")
    client.put(image, data(100_000, "put later"))
    client.rename(image, "at last")


def delete(scene):
    client = scene.client()
    for image in list(scene.ledger.contents)[:2]:
        client.delete(image)


def upload_and_delete(scene):
    client = scene.client()
    client.delete(client.upload(data(20_000, "short-lived")))


def accounts(scene):
    client = scene.client()
    key = client.create_account()
    client.as_account(key).upload(data(3_000, "of a new account"))


def download(scene):
    """A read leaves a count behind, which is written in good time or at the end."""
    client = scene.client()
    for image, content in list(scene.ledger.contents.items()):
        if content is not None:
            client.download(image)


def rename_often(scene):
    client = scene.client()
    image = next(iter(scene.ledger.contents))
    for number in range(8):
        client.rename(image, f"again {number}")


def download_and_stop(scene):
    """The counts of reads are written at the end of a server that stops in good order."""
    download(scene)
    scene.signal(signal.SIGTERM)
    scene.died()


def change_and_stop(scene):
    client = scene.client()
    client.rename(next(iter(scene.ledger.contents)), "at last")
    scene.signal(signal.SIGTERM)
    scene.died()


def again(work, times):
    """The same work as often as that."""

    def repeated(scene):
        for _ in range(times):
            work(scene)

    return repeated


def several_at_once(scene):
    """Clients beside each other, so that commits are shared."""
    failed = []

    def one(number):
        client = scene.client()
        try:
            image = client.upload(data(30_000, f"beside {number}"), chunked=bool(number % 2))
            client.rename(image, f"beside {number}")
            if number % 3 == 0:
                client.delete(image)
        except Died:
            failed.append(None)
        except Exception as error:  # shown by the thread that waits
            failed.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in failed:
        if error is not None:
            raise error
    if failed:
        raise Died("all")
