#include "app/configuration.h"

namespace visor::app {

// Lines that begin with "#" and a letter, or with "#" and two blanks, become keys when the # is
// removed; "# " is prose.
std::string_view configuration_template() {
  return R"(# The configuration of VISOR.
#
# Save this file as visor-config.yml in the folder where visord is started, in ~/.visor or in
# /etc/visor: the first one found counts. `visord --config FILE` names another one.
#
# What stands here is what holds when nothing is configured. To change a setting, remove the # at
# the start of its line, and of the lines of the sections it belongs to, and write another value.
# Sizes are written as 512, 64 KiB, 1.5 GiB or 10 TB; durations as 250ms, 30s, 15m, 12h or 7d.

# The data folder: catalogue, keys and, unless configured otherwise, images. It is made if it is
# missing. Relative paths count from where visord is started; a path that begins with DATA/ lies in
# the data folder.
#data: ./var

# Where the server listens, and which interface it serves there: native; glance (the image service
# of OpenStack, usually at port 9292); identity (who asks glance, usually at port 5000; see the
# section identity); or operations (metrics and readiness for monitoring, without signatures: at an
# address that only operators reach). An address is written as 127.0.0.1:4568, [::1]:4568, or *:4568
# for all IPv4 addresses of the machine.
#
# tls is none, or a section with two files in PEM: certificate (the server's and, behind it, those
# between it and its root) and key, such as `tls: {certificate: /etc/visor/tls/server.pem, key:
# /etc/visor/tls/server.key}`. With client_certificates (none, optional or required), clients are
# asked for certificates from the authorities in the file client_authorities. Changed files are read
# at SIGHUP, or without it within two minutes. Where there is no TLS here, put a reverse proxy that
# speaks it in front of what other machines reach.
#listeners:
#  - address: 127.0.0.1:4568
#    serves: [native]
#    tls: none

# The address under which clients reach the server, if it is not the one they name in their
# requests, as behind a proxy: http://HOST:PORT or https://HOST, or none. The attribute uri of every
# image begins with it.
#public_address: none

#log:
# debug, info, warning, error or off.
#  level: info
# text, or json: one JSON object a line.
#  form: text
# A file to append to (send the server SIGHUP after moving it away), or none for standard error.
#  file: none

# The catalogue of all images: sqlite:PATH, or "memory:" (with the quotes) to try something out;
# then everything is forgotten when the server stops.
#catalogue: sqlite:DATA/catalogue.db

#accounts:
# Whether requests without a signature may read public images.
#  anonymous_read: false
# Whether the signatures of 2012 (Authorization: VISOR) are taken. They don't cover the query and
# use SHA-1; switch them off once no client needs them.
#  visor_signatures: true
# How far a request's time may be from the server's clock.
#  signature_window: 15m
# The longest life of a presigned URL, at most 7d.
#  presigned_limit: 24h
# Whether a request signed with AWS Signature Version 4 may leave its body unsigned: refused,
# over_tls or allowed.
#  unsigned_payload: over_tls
# Whether the signature of a request that changes something is taken once only. Some clients repeat
# a request with the same signature and would be refused.
#  refuse_replays: false

# Who the callers of glance are (see identity.md).
#identity:
# own: accounts of this server, with tokens that a listener with 'serves: [identity]' gives out.
# keystone: those of OpenStack. http_basic: accounts of this server, with access key and secret in
# every request. none: everybody who reaches the listener is the same caller.
#  kind: own
#  own:
# How long a token is good.
#    token_lifetime: 1h
# What clients are told: the region, and the addresses of identity and glance where they are not
# those that a client reached (http://HOST:PORT, https://HOST, or none).
#    region: RegionOne
#    identity_address: none
#    image_address: none
# What else the catalogue has: other services, and these two elsewhere; a list such as
# [{type: volumev3, region: RegionOne, interface: public, url: https://HOST:PORT/v3}]. Without a
# region it is the one above, without an interface (public, internal, admin) all three. One that
# names the region and an interface of a service of this server stands in the place of that.
#    endpoints: []
#  keystone:
# Where Keystone is, such as [https://keystone.example.org:5000]; the second and later ones are
# asked while those before don't answer. Then, what callers are told, if that is another address.
#    addresses: []
#    public_address: none
# As whom the server asks whether tokens are good: a user who has a role in a project, usually
# service, with its password in one of three places.
#    username: none
#    user_domain: Default
#    project: service
#    project_domain: Default
#    password: none
#    password_file: none
#    password_environment: none
# Or an application credential: its id, and its secret in one of three places.
#    application_credential: none
#    application_credential_secret: none
#    application_credential_secret_file: none
#    application_credential_secret_environment: none
# The roles of administrators, of services that may vouch for a call, and of those who only read.
#    administrator_roles: [admin]
#    service_roles: [service]
#    reader_roles: [reader]
# The projects, by id, in which an administrator's role counts; none listed: in all.
#    administrator_projects: []
# How long an answer of Keystone is trusted, and so a revoked token taken at most; 0s: no token is
# taken unasked.
#    cache: 5m
#    cache_entries: 10000
# How long Keystone may take to answer.
#    timeout: 10s
# A PEM file with the certificate authorities to trust, or none for those of the system.
#    authorities: none
#  everybody:
# Who everybody is, where kind is none.
#    account: admin
#    administrator: false

# The file of the key that encrypts the accounts' secrets. It is made if it is missing; without it
# the secrets are lost.
#master_key: DATA/master.key

# What each account may store; none is unlimited.
#quotas:
# The size of all its images together.
#  bytes: none
# Their number.
#  images: none

# The audit log: every change and every refusal, in files of chained lines (see audit.md).
#audit:
#  enabled: true
# The folder of its files.
#  folder: DATA/audit
# Whether a change is answered only once its line survives power loss. A line always survives the
# end of the server.
#  durable: true
# A new file is begun when one is so large, or so old (or none).
#  rotate_size: 64 MiB
#  rotate_age: none
# How many files are kept, at least 2, and for how long; none is all of them, for ever.
#  keep_files: none
#  keep_age: none

#glance:
# Whether data is refused whose format is another than its image says (disk_format, of bare images).
#  strict_formats: true
# Whether images show where their data lies, and who may change one may say where, by a patch of
# its locations. Clouds that make images from snapshots want it.
#  show_multiple_locations: false

#deleted_images:
# How long a deleted image can be restored, or none: then it is gone at once. Until then its data
# stays and counts against its owner's quota.
#  keep: none

# The digests that are computed of every image. sha256 can't be left out, nor md5 while a listener
# serves native or glance.
#digests: [md5, sha1, sha256, sha512]

# The store of uploads that name none.
#default_store: file
# Rules for those uploads, which come before default_store: the first one whose attributes all fit
# decides, as in `- {store: fast, when: {owner: ada, format: iso}}`.
#placement: []

# The stores by name. The kinds in this version are file, memory, http, hdfs, s3 and its dialects
# lcs, cumulus and walrus; a store named like a kind is of that kind, any other needs a line such as
# `kind: file`. The stores file and http exist without being configured.
#stores:
#  file:
# The folder of the images. Every file store needs one of its own.
#    directory: DATA/store
# References to images on other servers. They are never changed or removed there.
#  http: {}
# A store of the kind memory, for trying things out, has a capacity, such as `capacity: 1 GiB`.
# One in HDFS needs `host` and `port` of the namenode's web server (or `namenodes`, a list),
# `bucket` (a folder), and `username` or `token_file`; it may have `datanodes` (what they may be
# called, as in references.http.exceptions), `https`, `authorities` and `block_size`: see hdfs.md.

# What images may refer to instead of being uploaded.
#references:
# Folders, by absolute path, in which administrators may refer to files.
#  files: []
#  http:
# Only public addresses are ever asked, unless they are listed here: a host, HOST:PORT, an address
# or a network, such as mirror.example.org:8080, 10.1.2.3 or 10.1.0.0/16.
#    exceptions: []
# The ports that are allowed without an exception.
#    ports: [80, 443]
# How long connecting may take.
#    connect_timeout: 10s
# How long the other server may take until its answer begins.
#    answer_timeout: 30s
# The least speed at which it may send, in bytes a second.
#    minimum_rate: 1 KiB
# How many redirects are followed, at most 3. Each must be allowed as the location itself.
#    redirects: 0
# A PEM file with the certificate authorities to trust, or none for those of the system.
#    authorities: none

# What one server allows its clients.
#limits:
# Connections at once, in all and from one address (a number or none). Connections from this machine
# count for the second only if count_loopback says so: a reverse proxy comes from there.
#  connections: 16384
#  connections_per_address: 512
#  count_loopback: false
# Requests at once; beyond it clients are told to try again.
#  requests: 10240
# Requests on one connection before it is closed.
#  requests_per_connection: 100000
# The head of a request: all of it, the number of its fields, and the part that names the resource.
#  header_size: 64 KiB
#  header_fields: 256
#  uri_size: 8 KiB
# How long a client may take to send a request's head, and may be silent between requests.
#  header_timeout: 10s
#  idle_timeout: 60s
# The least speed of uploads and of downloads in bytes a second, measured over rate_window (or
# none); slower connections are closed.
#  body_minimum_rate: 1 KiB
#  answer_minimum_rate: 1 KiB
#  rate_window: 30s
# The largest image.
#  largest_image: 64 TiB

# How many threads do what. 0 means as many as the machine has cores.
#threads:
# The event loops, which serve the connections.
#  loops: 0
# Waiting for files.
#  disk: 8
# Waiting for the catalogue.
#  catalogue: 4
# Computing digests.
#  digest: 0

# How long transfers may go on after the server was told to stop.
#shutdown_deadline: 30s
# How long a connection without a request may still bring one, when the server is restarted or
# upgraded: it is answered, and then the connection is closed.
#drain_grace: 1s
# How long an upgrade in place waits for uploads under way before it ends them, and how long
# downloads that began before it may go on afterwards.
#upgrade_deadline: 10m
#download_deadline: 24h
)";
}

}  // namespace visor::app
