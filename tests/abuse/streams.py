"""The table of byte streams: what one client sends on one connection, and how a strict reader takes it.

A stream carries the request A and, where a lenient reader might find it, a second request B. `reading` is what VISOR
must make of it, in order: "A" or "B" for a request that is taken (whatever it is answered), "!400" for a refusal, after
which the connection ends. What the RFC leaves to the reader (9112, 2.2, 6.3) VISOR always refuses. (To clients that sign as
in 2012, 417, 431 and 501 are told as 400.)

Placeholders: @A@ and @B@ are targets that name the request in the log, @SIGNED@ is what makes A's body wanted: the
signature of an account that may send it.
"""

import dataclasses

HOST = b"Host: x\r\n"
BODY = b'{"email":"a@example.org"}'
LENGTH = b"%d" % len(BODY)
SIZE = b"%x" % len(BODY)
B = b"GET @B@ HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKS = SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclasses.dataclass(frozen=True)
class Stream:
    group: str
    name: str
    data: bytes
    reading: str

    @property
    def title(self):
        return f"{self.group}: {self.name}"


STREAMS = []


def add(group, name, data, reading):
    STREAMS.append(Stream(group, name, data, reading))


def put(fields, body, version=b"HTTP/1.1", target=b"@A@", host=HOST):
    """A request whose body is read: only then does its framing matter to the end."""
    return b"PUT " + target + b" " + version + b"\r\n" + host + b"@SIGNED@" + fields + b"\r\n" + body


def get(fields=b"", version=b"HTTP/1.1", target=b"@A@", host=HOST, method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + host + fields + b"\r\n"


# --- Transfer-Encoding, alone and beside a Content-Length ------------------------------------------------------------

CODINGS = {
    "chunked": (b"chunked", "A B"),
    "in capitals": (b"CHUNKED", "A B"),
    "in mixed case": (b"cHuNkEd", "A B"),
    "behind two blanks": (b"  chunked", "A B"),
    "behind a tab": (b"\tchunked", "A B"),
    "before a blank": (b"chunked ", "A B"),
    "before a tab": (b"chunked\t", "A B"),
    "with a comma behind": (b"chunked,", "!400"),
    "with a comma before": (b",chunked", "!400"),
    "twice in a list": (b"chunked, chunked", "!400"),
    "identity": (b"identity", "!400"),
    "identity, then chunked": (b"identity, chunked", "!400"),
    "chunked, then identity": (b"chunked, identity", "!400"),
    "gzip, then chunked": (b"gzip, chunked", "!400"),
    "gzip": (b"gzip", "!400"),
    "a letter before": (b"xchunked", "!400"),
    "a letter behind": (b"chunkedx", "!400"),
    "a letter less": (b"chunke", "!400"),
    "with a parameter": (b"chunked;q=1", "!400"),
    "in quotes": (b'"chunked"', "!400"),
    "in single quotes": (b"'chunked'", "!400"),
    "cut by a blank": (b"chun ked", "!400"),
    "empty": (b"", "!400"),
    "behind a vertical tab": (b"\x0bchunked", "!400"),
    "behind a form feed": (b"\x0cchunked", "!400"),
    "before a vertical tab": (b"chunked\x0b", "!400"),
    "before a NUL": (b"chunked\x00", "!400"),
    "behind a NUL": (b"\x00chunked", "!400"),
    "before DEL": (b"chunked\x7f", "!400"),
    "before a hard blank": (b"chunked\xa0", "!400"),
    "behind a hard blank": (b"\xa0chunked", "!400"),
    "with the Kelvin sign for a k": (b"chun\xe2\x84\xaaed", "!400"),
    "folded behind": (b"chunked\r\n x", "!400"),
    "folded before": (b"\r\n chunked", "!400"),
    "before a bare CR": (b"chunked\rX: y", "!400"),
    "before a bare LF": (b"chunked\nX: y", "!400"),
    "before a second CR": (b"chunked\r", "!400"),
}
for name, (value, reading) in CODINGS.items():
    add("coding", name, put(b"Transfer-Encoding:" + (b" " if value[:1] not in b"\t\r" else b"") + value + b"\r\n", CHUNKS + B), reading)
    # By its length the body ends behind the first chunk's size line; B hides behind either end.
    both = "!400"
    add("coding and length", name, put(b"Content-Length: 4\r\nTransfer-Encoding: " + value + b"\r\n", CHUNKS + B), both)

NAMES = {
    "a blank before the colon": (b"Transfer-Encoding : chunked", "!400"),
    "a tab before the colon": (b"Transfer-Encoding\t: chunked", "!400"),
    "a blank inside": (b"Transfer Encoding: chunked", "!400"),
    "a blank before": (b" Transfer-Encoding: chunked", "!400"),
    "a NUL behind": (b"Transfer-Encoding\x00: chunked", "!400"),
    "a NUL before": (b"\x00Transfer-Encoding: chunked", "!400"),
    "a colon before": (b":Transfer-Encoding: chunked", "!400"),
    "a semicolon behind": (b"Transfer-Encoding;: chunked", "!400"),
    "a byte of Latin 1": (b"Transfer-Encod\xefng: chunked", "!400"),
    "behind a bare LF": (b"X: y\nTransfer-Encoding: chunked", "!400"),
    "behind a bare CR": (b"X: y\rTransfer-Encoding: chunked", "!400"),
    "behind LF and CR": (b"X: y\n\rTransfer-Encoding: chunked", "!400"),
    "without a colon": (b"Transfer-Encoding chunked", "!400"),
}
for name, (line, reading) in NAMES.items():
    add("coding's name", name, put(b"Content-Length: 4\r\n" + line + b"\r\n", CHUNKS + B), reading)
# To a reader that takes '_' for '-' this is a coding. Strictly it is a field like any other.
add("coding's name", "an underscore", put(b"Content-Length: " + LENGTH + b"\r\nTransfer_Encoding: chunked\r\n", BODY + B), "A B")
add("coding's name", "in small letters", put(b"transfer-encoding: chunked\r\n", CHUNKS + B), "A B")
add("coding", "two lines, both chunked", put(CHUNKED + CHUNKED, CHUNKS + B), "!400")
add("coding", "two lines, identity last", put(CHUNKED + b"Transfer-Encoding: identity\r\n", CHUNKS + B), "!400")
add("coding", "two lines, identity first", put(b"Transfer-Encoding: identity\r\n" + CHUNKED, CHUNKS + B), "!400")
add("coding", "two lines, one empty", put(b"Transfer-Encoding:\r\n" + CHUNKED, CHUNKS + B), "!400")
add("coding", "in HTTP/1.0", put(CHUNKED, CHUNKS + B, version=b"HTTP/1.0"), "!400")
add("coding", "in HTTP/1.0 that is kept", put(b"Connection: keep-alive\r\n" + CHUNKED, CHUNKS + B, version=b"HTTP/1.0"), "!400")
add("coding", "named by Connection", put(b"Connection: Transfer-Encoding\r\n" + CHUNKED, CHUNKS + B), "A B")
add("coding and length", "the length last", put(CHUNKED + b"Content-Length: 4\r\n", CHUNKS + B), "!400")
add("coding and length", "a length of 0", put(b"Content-Length: 0\r\n" + CHUNKED, CHUNKS + B), "!400")
add("coding and length", "the length hidden by Connection", put(b"Connection: Content-Length\r\nContent-Length: 4\r\n" + CHUNKED, CHUNKS + B), "!400")
add("coding and length", "an empty length", put(b"Content-Length:\r\n" + CHUNKED, CHUNKS + B), "!400")
add("coding and length", "a GET", get(b"Content-Length: 5\r\n" + CHUNKED) + b"0\r\n\r\n" + B, "!400")

# --- Content-Length ------------------------------------------------------------------------------------------------

LENGTHS = {
    "right": (LENGTH, "A B"),
    "behind blanks": (b"   " + LENGTH, "A B"),
    "before blanks": (LENGTH + b"  ", "A B"),
    "with zeros before": (b"000" + LENGTH, "A B"),
    "with a plus": (b"+" + LENGTH, "!400"),
    "with a minus": (b"-" + LENGTH, "!400"),
    "zero with a minus": (b"-0", "!400"),
    "in hexadecimal": (b"0x19", "!400"),
    "with an exponent": (b"25e0", "!400"),
    "with a fraction": (b"25.0", "!400"),
    "cut by a blank": (b"2 5", "!400"),
    "cut by an underscore": (b"2_5", "!400"),
    "a list of the same": (LENGTH + b", " + LENGTH, "!400"),
    "a list of two": (LENGTH + b", 4", "!400"),
    "with a comma behind": (LENGTH + b",", "!400"),
    "with a parameter": (LENGTH + b";a=b", "!400"),
    "with letters behind": (LENGTH + b"abc", "!400"),
    "a word": (b"all", "!400"),
    "empty": (b"", "!400"),
    "in quotes": (b'"' + LENGTH + b'"', "!400"),
    "behind a vertical tab": (b"\x0b" + LENGTH, "!400"),
    "before a NUL": (LENGTH + b"\x00", "!400"),
    "in wide digits": (b"\xef\xbc\x92\xef\xbc\x95", "!400"),
    "folded": (b"\r\n " + LENGTH, "!400"),
    "folded behind": (LENGTH + b"\r\n 0", "!400"),
    "before a bare CR": (LENGTH + b"\r", "!400"),
    "2^64 too much": (b"18446744073709551641", "!400"),
    "2^64": (b"18446744073709551616", "!400"),
    "2^63": (b"9223372036854775808", "!400"),
    "of thirty digits": (b"9" * 30, "!400"),
    # A whole number that no reader has a right to cut to 32 bits: the document is too large, and its rest never comes.
    "2^32 too much": (b"4294967321", "A"),
    "of forty zeros": (b"0" * 40, "!400 !400"),
}
for name, (value, reading) in LENGTHS.items():
    add("length", name, put(b"Content-Length: " + value + b"\r\n", BODY + B), reading)
add("length", "two lines of the same", put((b"Content-Length: " + LENGTH + b"\r\n") * 2, BODY + B), "!400")
add("length", "two lines that differ", put(b"Content-Length: " + LENGTH + b"\r\nContent-Length: 4\r\n", BODY + B), "!400")
add("length", "two lines that differ, the smaller first", put(b"Content-Length: 0\r\nContent-Length: " + LENGTH + b"\r\n", BODY + B), "!400")
add("length", "a blank before the colon", put(b"Content-Length : " + LENGTH + b"\r\n", BODY + B), "!400")
add("length", "an underscore in the name", put(b"Content_Length: " + LENGTH + b"\r\n", BODY + B), "!400 !400")
add("length", "none", put(b"", BODY + B), "!400 !400")
add("length", "0 before a request", put(b"Content-Length: 0\r\n", B), "!400 B")
add("length", "one too short", put(b"Content-Length: 24\r\n", BODY + B), "!400 !400")
add("length", "one too long", put(b"Content-Length: 26\r\n", BODY + B), "!400 B")
add("length", "a GET with a request for its body", get(b"Content-Length: %d\r\n" % len(b"@B@") + b"") + b"x" * 3 + B, "A B")
add("length", "a GET with chunks", get(CHUNKED) + b"3\r\nabc\r\n0\r\n\r\n" + B, "A B")
add("length", "a DELETE with a body", get(b"Content-Length: 3\r\n", method=b"DELETE") + b"abc" + B, "A B")
add("length", "a HEAD with a body", get(b"Content-Length: 3\r\n", method=b"HEAD") + b"abc" + B, "A B")
add("length", "an OPTIONS with a body", get(b"Content-Length: 3\r\n", method=b"OPTIONS") + b"abc" + B, "A B")
add("length", "a body that is never sent", put(b"Content-Length: 1000\r\n", B), "!400")

# --- chunks --------------------------------------------------------------------------------------------------------

LAST = b"0\r\n\r\n"


def first_chunk(size_line, end=b"\r\n"):
    return size_line + b"\r\n" + BODY + end + LAST


FRAMES = {
    "in capitals": (SIZE.upper() + b"\r\n" + BODY + b"\r\n" + LAST, "A B"),
    "many of one byte": (b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + LAST, "A B"),
    "zeros before the size": (first_chunk(b"0000000" + SIZE), "A B"),
    "twenty zeros before the size": (first_chunk(b"0" * 20 + SIZE), "!400"),
    "a size of 2^64 too much": (first_chunk(b"1" + b"0" * 14 + SIZE), "!400"),
    "a size of 2^32 too much": (first_chunk(b"1" + b"0" * 6 + SIZE), "!400"),
    "a size of all ones": (first_chunk(b"f" * 16), "!400"),
    "a size with a plus": (first_chunk(b"+" + SIZE), "!400"),
    "a size with a minus": (first_chunk(b"-" + SIZE), "!400"),
    "a size behind 0x": (first_chunk(b"0x" + SIZE), "!400"),
    "a size behind a blank": (first_chunk(b" " + SIZE), "!400"),
    "a size before a blank": (first_chunk(SIZE + b" "), "!400"),
    "a size before a tab": (first_chunk(SIZE + b"\t"), "!400"),
    "a size behind a tab": (first_chunk(b"\t" + SIZE), "!400"),
    "a size before a NUL": (first_chunk(SIZE + b"\x00"), "!400"),
    "a size with an underscore": (first_chunk(b"1_9"), "!400"),
    "a size with a letter behind": (first_chunk(SIZE + b"g"), "!400"),
    "no size": (first_chunk(b""), "!400"),
    "no size, but an extension": (first_chunk(b";a=b"), "!400"),
    "an empty line before the size": (b"\r\n" + first_chunk(SIZE), "!400"),
    "an extension": (first_chunk(SIZE + b";a=b"), "A B"),
    "an extension without a value": (first_chunk(SIZE + b";a"), "A B"),
    "an empty extension": (first_chunk(SIZE + b";"), "A B"),
    "an extension in quotes": (first_chunk(SIZE + b';a="b;c"'), "A B"),
    "an extension behind a blank": (first_chunk(SIZE + b" ;a=b"), "!400"),
    "an extension with a blank": (first_chunk(SIZE + b"; a=b"), "A B"),
    "an extension with a bare LF": (first_chunk(SIZE + b";a\nb"), "!400"),
    "an extension with a bare CR": (first_chunk(SIZE + b";a\rb"), "!400"),
    "an extension with a NUL": (first_chunk(SIZE + b";a\x00"), "!400"),
    "an extension with a line break in quotes": (first_chunk(SIZE + b';a="\r\n0\r\n\r\n"'), "!400"),
    "an extension of 256 bytes": (first_chunk(SIZE + b";" + b"a" * 256), "A B"),
    "an extension of 300 bytes": (first_chunk(SIZE + b";" + b"a" * 300), "!400"),
    "an extension of 70 KiB": (first_chunk(SIZE + b";" + b"a" * 70_000), "!400"),
    "an extension on each of 200 chunks": (b"".join(b"1;%s\r\n \r\n" % (b"a" * 200) for _ in range(200)) + first_chunk(SIZE), "A B"),
    "a bare LF behind the size": (SIZE + b"\n" + BODY + b"\r\n" + LAST, "!400"),
    "a bare CR behind the size": (SIZE + b"\r" + BODY + b"\r\n" + LAST, "!400"),
    "two CRs behind the size": (SIZE + b"\r\r\n" + BODY + b"\r\n" + LAST, "!400"),
    "a bare LF behind the data": (first_chunk(SIZE, b"\n"), "!400"),
    "a bare CR behind the data": (first_chunk(SIZE, b"\r"), "!400"),
    "two CRs behind the data": (first_chunk(SIZE, b"\r\r\n"), "!400"),
    "two line breaks behind the data": (first_chunk(SIZE, b"\r\n\r\n"), "!400"),
    "nothing behind the data": (first_chunk(SIZE, b""), "!400"),
    "two other bytes behind the data": (first_chunk(SIZE, b"XX"), "!400"),
    "more data than said": (first_chunk(b"18"), "!400"),
    "less data than said": (first_chunk(b"1a"), "!400"),
    "all bare LF": (first_chunk(SIZE).replace(b"\r\n", b"\n"), "!400"),
    "a last chunk of two zeros": (SIZE + b"\r\n" + BODY + b"\r\n00\r\n\r\n", "A B"),
    "a last chunk behind 0x": (SIZE + b"\r\n" + BODY + b"\r\n0x0\r\n\r\n", "!400"),
    "a last chunk with a minus": (SIZE + b"\r\n" + BODY + b"\r\n-0\r\n\r\n", "!400"),
    "a last chunk with an extension": (SIZE + b"\r\n" + BODY + b"\r\n0;a=b\r\n\r\n", "A B"),
    "a last chunk with a bare LF": (SIZE + b"\r\n" + BODY + b"\r\n0\n\n", "!400"),
    "a last chunk and one bare LF": (SIZE + b"\r\n" + BODY + b"\r\n0\r\n\n", "!400"),
    "a last chunk and one bare CR": (SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r", "!400"),
    "a last chunk without an empty line": (SIZE + b"\r\n" + BODY + b"\r\n0\r\n", "!400"),
    "a last chunk at once": (LAST, "!400 B"),
    "two last chunks": (CHUNKS + LAST, "A !400"),
    "a trailer": (CHUNKS[:-2] + b"X: y\r\n\r\n", "A B"),
    "a trailer that names a length": (CHUNKS[:-2] + b"Content-Length: 100\r\n\r\n", "A B"),
    "a trailer that names a coding": (CHUNKS[:-2] + b"Transfer-Encoding: chunked\r\n\r\n", "A B"),
    "a trailer that names a host": (CHUNKS[:-2] + b"Host: y\r\n\r\n", "A B"),
    "a trailer that is folded": (CHUNKS[:-2] + b"X: y\r\n z\r\n\r\n", "!400"),
    "a trailer with a bare LF": (CHUNKS[:-2] + b"X: y\n\r\n", "!400"),
    "a trailer with a bare CR": (CHUNKS[:-2] + b"X: y\rZ: z\r\n\r\n", "!400"),
    "a trailer without a colon": (CHUNKS[:-2] + b"X\r\n\r\n", "!400"),
    "a trailer without a name": (CHUNKS[:-2] + b": y\r\n\r\n", "!400"),
    "a trailer with a blank before the colon": (CHUNKS[:-2] + b"X : y\r\n\r\n", "!400"),
    "a trailer with a NUL": (CHUNKS[:-2] + b"X: \x00\r\n\r\n", "!400"),
    "trailers of 9 KiB": (CHUNKS[:-2] + b"X: yyyyyyyyyy\r\n" * 700 + b"\r\n", "!400"),
    "one that never ends": (SIZE + b"\r\n" + BODY + b"\r\n", "!400"),
}
for name, (body, reading) in FRAMES.items():
    add("chunks", name, put(CHUNKED, body + B), reading)

# --- fields --------------------------------------------------------------------------------------------------------

FIELDS = {
    "folded": (b"X: y\r\n z\r\n", "!400"),
    "folded by a tab": (b"X: y\r\n\tz\r\n", "!400"),
    "folded to nothing": (b"X: y\r\n \r\n", "!400"),
    "a blank before the colon": (b"X : y\r\n", "!400"),
    "a tab before the colon": (b"X\t: y\r\n", "!400"),
    "a blank inside the name": (b"X Y: z\r\n", "!400"),
    "no colon": (b"nonsense\r\n", "!400"),
    "no name": (b": y\r\n", "!400"),
    "a colon alone": (b":\r\n", "!400"),
    "a NUL in the name": (b"X\x00: y\r\n", "!400"),
    "a control byte in the name": (b"X\x01: y\r\n", "!400"),
    "a bracket in the name": (b"X(y): z\r\n", "!400"),
    "Latin 1 in the name": (b"X\xe9: z\r\n", "!400"),
    "a NUL in the value": (b"X: y\x00z\r\n", "!400"),
    "a control byte in the value": (b"X: y\x01z\r\n", "!400"),
    "an escape in the value": (b"X: \x1b[2J\r\n", "!400"),
    "DEL in the value": (b"X: y\x7fz\r\n", "!400"),
    "Latin 1 in the value": (b"X: y\xe9z\r\n", "A B"),
    "a tab in the value": (b"X: y\tz\r\n", "A B"),
    "an empty value": (b"X:\r\n", "A B"),
    "a bare CR in the value": (b"X: y\rz\r\n", "!400"),
    "a bare CR and a whole request": (b"X: y\r\r\nGET @B@ HTTP/1.1\r\nHost: x\r\n", "!400"),
    "a bare LF at the end": (b"X: y\n", "!400"),
    "two bare LFs": (b"X: y\n\n", "!400"),
    "two CRs at the end": (b"X: y\r\r\n", "!400"),
    "LF and CR at the end": (b"X: y\n\r", "!400"),
}
for name, (line, reading) in FIELDS.items():
    add("field", name, get(line) + B, reading)
add("field", "the first one behind a blank", b"GET @A@ HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n" + B, "!400")
add("field", "all lines end in LF", (get() + B).replace(b"\r\n", b"\n"), "!400")
add("field", "the empty line is LF", get()[:-2] + b"\n" + B, "!400")
add("field", "the empty line is CR", get()[:-2] + b"\r" + B, "!400")
add("field", "the empty line holds a blank", get()[:-2] + b" \r\n" + B, "!400")

# --- host and target -----------------------------------------------------------------------------------------------

HOSTS = {
    "none": (b"", "!400"),
    "empty": (b"Host:\r\n", "!400"),
    "twice the same": (HOST * 2, "!400"),
    "two that differ": (HOST + b"Host: y\r\n", "!400"),
    "in small letters twice": (b"host: x\r\nhost: y\r\n", "!400"),
    "a list": (b"Host: x, y\r\n", "!400"),
    "with a blank": (b"Host: x y\r\n", "!400"),
    "with a path": (b"Host: x/y\r\n", "!400"),
    "with a user": (b"Host: u@x\r\n", "!400"),
    "with a question": (b"Host: x?y\r\n", "!400"),
    "with a backslash": (b"Host: x\\y\r\n", "!400"),
    "with a port that is none": (b"Host: x:y\r\n", "!400"),
    "with a port of six digits": (b"Host: x:123456\r\n", "!400"),
    "with two ports": (b"Host: x:1:2\r\n", "!400"),
    "a port alone": (b"Host: :80\r\n", "!400"),
    "an address": (b"Host: [::1]:80\r\n", "A B"),
    "an open bracket": (b"Host: [::1\r\n", "!400"),
    "with a blank before the colon": (b"Host : x\r\n", "!400"),
    "folded": (b"Host:\r\n x\r\n", "!400"),
    "with Latin 1": (b"Host: \xe9\r\n", "!400"),
    "behind a blank": (b" Host: x\r\n", "!400"),
}
for name, (line, reading) in HOSTS.items():
    add("host", name, get(host=line) + B, reading)

TARGETS = {
    "with the same host": (b"http://x@A@", "A B"),
    "with the same host in capitals": (b"HTTP://X@A@", "A B"),
    "with another host": (b"http://y@A@", "!400"),
    "with another port": (b"http://x:81@A@", "!400"),
    "with a user": (b"http://u@x@A@", "!400"),
    "with an empty host": (b"http://@A@", "!400"),
    "with one slash": (b"http:/@A@", "!400"),
    "of another scheme": (b"ftp://x@A@", "!400"),
    "over TLS by its own word": (b"https://x@A@", "A B"),
    "without a slash": (b"x@A@", "!400"),
    "with a fragment": (b"@A@#b", "!400"),
    "with a blank": (b"@A@ b", "!400"),
    "with a tab": (b"@A@\tb", "!400"),
    "with a NUL": (b"@A@\x00", "!400"),
    "with Latin 1": (b"@A@\xe9", "!400"),
    "with a bare CR": (b"@A@\r", "!400"),
    "with an encoded line break": (b"@A@%0d%0aX:%20y", "A B"),
    "a whole request, encoded": (b"@A@%20HTTP/1.1%0d%0a%0d%0aGET%20/", "A B"),
    "a star": (b"*", "!400"),
    "nothing": (b"", "!400"),
    "of 9 KiB": (b"@A@" + b"a" * 9000, "!414"),
    "of 70 KiB": (b"@A@" + b"a" * 70_000, "!414"),
}
for name, (target, reading) in TARGETS.items():
    add("target", name, get(target=target) + B, reading)
add("target", "CONNECT", get(target=b"x:80", method=b"CONNECT") + B, "!501")

# --- method and version ---------------------------------------------------------------------------------------------

VERSIONS = {
    "0.9, said": (b"HTTP/0.9", "!505"),
    "1.2": (b"HTTP/1.2", "!505"),
    "2.0": (b"HTTP/2.0", "!505"),
    "3": (b"HTTP/3", "!400"),
    "1.10": (b"HTTP/1.10", "!400"),
    "01.1": (b"HTTP/01.1", "!400"),
    "1": (b"HTTP/1", "!400"),
    "with a comma": (b"HTTP/1,1", "!400"),
    "in small letters": (b"http/1.1", "!400"),
    "of another protocol": (b"ICAP/1.0", "!400"),
    "with a blank inside": (b"HTTP/ 1.1", "!400"),
    "with a blank behind": (b"HTTP/1.1 ", "!400"),
    "with a tab behind": (b"HTTP/1.1\t", "!400"),
    "with a NUL behind": (b"HTTP/1.1\x00", "!400"),
    "with letters behind": (b"HTTP/1.1x", "!400"),
}
for name, (version, reading) in VERSIONS.items():
    add("version", name, get(version=version) + B, reading)
add("version", "0.9, by saying none", b"GET @A@\r\n" + B, "!400")
add("version", "0.9, by a line without fields", b"GET @A@\r\n\r\n" + B, "!400")
add("version", "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + B, "!505")
add("version", "1.0, closed", get(version=b"HTTP/1.0") + B, "A")
add("version", "1.0, kept", get(b"Connection: keep-alive\r\n", version=b"HTTP/1.0") + B, "A B")
add("version", "1.0, without a host", get(version=b"HTTP/1.0", host=b"") + B, "A")
add("version", "1.0, with a body, kept", put(b"Connection: keep-alive\r\nContent-Length: " + LENGTH + b"\r\n", BODY + B, version=b"HTTP/1.0"), "A B")
add("method", "in small letters", get(method=b"get") + B, "!501")
add("method", "with a NUL", get(method=b"G\x00T") + B, "!400")
add("method", "with a colon", get(method=b"GET:") + B, "!400")
add("method", "of 40 letters", get(method=b"G" * 40) + B, "!501")
add("method", "of 9 KiB", get(method=b"G" * 9000) + B, "!414")
add("method", "two blanks behind", get(method=b"GET ") + B, "!400")
add("method", "a tab behind", b"GET\t@A@ HTTP/1.1\r\n" + HOST + b"\r\n" + B, "!400")
add("method", "one that nobody knows", get(method=b"BREW") + B, "A B")
add("method", "TRACE", get(method=b"TRACE") + B, "A B")

# --- what stands before, between and behind -------------------------------------------------------------------------

add("around", "an empty line before", b"\r\n" + get() + B, "A B")
add("around", "two empty lines before", b"\r\n\r\n" + get() + B, "!400")
add("around", "a bare LF before", b"\n" + get() + B, "!400")
add("around", "a bare CR before", b"\r" + get() + B, "!400")
add("around", "a blank before", b" " + get() + B, "!400")
add("around", "a NUL before", b"\x00" + get() + B, "!400")
add("around", "a byte order mark before", b"\xef\xbb\xbf" + get() + B, "!400")
add("around", "an empty line between", get() + b"\r\n" + B, "A B")
add("around", "an empty line behind a body", put(b"Content-Length: " + LENGTH + b"\r\n", BODY + b"\r\n" + B), "A B")
add("around", "junk between", get() + b"junk\r\n" + B, "A !400")
add("around", "a NUL between", get() + b"\x00" + B, "A !400")
add("around", "a TLS greeting between", get() + b"\x16\x03\x01\x00\x05hello" + B, "A !400")
add("around", "two requests", get() + B, "A B")
add("around", "three requests", get() + B + B, "A B B")
add("around", "half a request behind", get() + B[:20], "A")
add("around", "half a head", get()[:-4], "")

# --- connection, expectation, upgrade -------------------------------------------------------------------------------

add("connection", "close", get(b"Connection: close\r\n") + B, "A")
add("connection", "close in a list", get(b"Connection: keep-alive, close\r\n") + B, "A")
add("connection", "close in a second line", get(b"Connection: keep-alive\r\nConnection: close\r\n") + B, "A")
add("connection", "close in capitals", get(b"Connection: CLOSE\r\n") + B, "A")
add("connection", "names the host", get(b"Connection: Host\r\n") + B, "A B")
add("connection", "a word like close", get(b"Connection: closed\r\n") + B, "A B")
EXPECT = b"Expect: 100-continue\r\n"
add("expectation", "met", put(EXPECT + b"Content-Length: " + LENGTH + b"\r\n", BODY + B), "A B")
add("expectation", "met in chunks", put(EXPECT + CHUNKED, CHUNKS + B), "A B")
# Refused before it was invited: nobody knows whether what follows is the body, so nothing may be taken from it.
add("expectation", "refused, with a request for a body", get(EXPECT + b"Content-Length: %d\r\n" % 60, method=b"PUT") + B + B, "A")
add("expectation", "refused, in chunks", get(EXPECT + CHUNKED, method=b"PUT") + CHUNKS + B, "A")
add("expectation", "without a body", get(EXPECT) + B, "A B")
add("expectation", "unknown", get(b"Expect: 200-ok\r\n") + B, "!417")
add("expectation", "a list", put(b"Expect: 100-continue, 100-continue\r\nContent-Length: " + LENGTH + b"\r\n", BODY + B), "!400")
add("expectation", "empty", get(b"Expect:\r\n") + B, "!417")
add("expectation", "in capitals", put(b"Expect: 100-CONTINUE\r\nContent-Length: " + LENGTH + b"\r\n", BODY + B), "A B")
add("expectation", "folded", put(b"Expect:\r\n 100-continue\r\nContent-Length: " + LENGTH + b"\r\n", BODY + B), "!400")
add("expectation", "in HTTP/1.0", put(EXPECT + b"Content-Length: " + LENGTH + b"\r\n", BODY + B, version=b"HTTP/1.0"), "A")
add("upgrade", "to h2c", get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n") + B, "A B")
add("upgrade", "to h2c, with a body", put(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: " + LENGTH + b"\r\n", BODY + B), "A B")
add("upgrade", "to websocket", get(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n") + B, "A B")
add("upgrade", "to TLS", get(b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n") + B, "A B")

# --- too much ------------------------------------------------------------------------------------------------------

add("too much", "a field of 15 KiB", get(b"X: " + b"y" * 15_000 + b"\r\n") + B, "A B")
add("too much", "a field of 70 KiB", get(b"X: " + b"y" * 70_000 + b"\r\n") + B, "!431")
add("too much", "a name of 70 KiB", get(b"X" * 70_000 + b": y\r\n") + B, "!431")
add("too much", "fields of 100 KiB", get(b"X: " + b"y" * 1000 + b"\r\n", host=HOST + (b"X: " + b"y" * 1000 + b"\r\n") * 100) + B, "!431")
add("too much", "255 fields and the host", get(b"X: y\r\n" * 255) + B, "A B")
add("too much", "257 fields", get(b"X: y\r\n" * 256) + B, "!431")
add("too much", "10,000 fields", get(b"X:\r\n" * 10_000) + B, "!431")
add("too much", "10,000 lengths", put(b"Content-Length: 0\r\n" * 10_000, B), "!400")
add("too much", "10,000 empty lines before", b"\r\n" * 10_000 + get() + B, "!400")
add("too much", "5,000 ranges", get(b"Range: bytes=" + b",".join(b"%d-" % n for n in range(5000)) + b"\r\n") + B, "A B")
add("too much", "100 requests", get() + B * 99, "A" + " B" * 99)
add("too much", "a head that never ends", get(b"X: y\r\n" * 200)[:-2], "")


def filled(stream, tag, signed):
    """The bytes of a stream, with the requests named after `tag`; `signed(target)` gives the lines of a signature."""
    prefix = b"/users/" if b"@SIGNED@" in stream.data else b"/images/"
    first, second = prefix + tag.encode() + b"-A", b"/images/" + tag.encode() + b"-B"
    data = stream.data
    if b"@SIGNED@" in data:
        data = data.replace(b"@SIGNED@", signed(first.decode()))
    return data.replace(b"@A@", first).replace(b"@B@", second)
