// A real HDFS for the tests of the stores: the namenodes in one process, each datanode in one of
// its own, so that a datanode can be killed as a crash would kill it.
//
//   java ... MiniDfs namenode FOLDER USER [ha] [tls]  makes an HDFS in FOLDER, its user's folder
//                                                     "/images"
//   java ... MiniDfs datanode FOLDER NUMBER           joins it
//   java ... MiniDfs gateway FOLDER NUMBER            HttpFS before it; users say their names
//
// With tls all web servers speak TLS alone, as an ssl-server.xml in the class path says.
//
// Each prints one line of JSON when it serves, obeys lines on standard input, answers each with one
// line of JSON, and ends when standard input does. What a namenode obeys:
//
//   datanodes N           waits until N datanodes are alive
//   safemode enter|leave
//   failover              the other namenode becomes the active one
//   standby               neither is active
//   quota FOLDER BYTES    the most that FOLDER may hold, all replicas counted; 0: no limit
//   files FOLDER          what lies below FOLDER
//   space FOLDER          what FOLDER takes of such a quota
//   empty FOLDER
//   bury HOST:PORT        takes the datanode whose web server that was for dead at once

import java.io.BufferedReader;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.http.server.HttpFSServerWebServer;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DFSUtil;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.MiniDFSNNTopology;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;
import org.apache.hadoop.hdfs.protocol.HdfsConstants.DatanodeReportType;
import org.apache.hadoop.hdfs.server.blockmanagement.BlockManagerTestUtil;
import org.apache.hadoop.hdfs.server.blockmanagement.DatanodeDescriptor;
import org.apache.hadoop.hdfs.server.datanode.DataNode;
import org.apache.hadoop.hdfs.server.namenode.NameNode;
import org.apache.hadoop.http.HttpConfig;
import org.apache.hadoop.security.authorize.ProxyUsers;

public final class MiniDfs {
  private static final String HOST = "127.0.0.1";

  private static Configuration settings(String folder) {
    Configuration settings = new Configuration();
    settings.setBoolean("dfs.namenode.datanode.registration.ip-hostname-check", false);
    settings.set("hadoop.tmp.dir", folder + "/tmp");
    settings.set("hadoop.http.staticuser.user", "nobody");
    settings.set("dfs.webhdfs.user.provider.user.pattern", "^[A-Za-z_][A-Za-z0-9._-]*$");
    // A blob of a few MiB has several blocks, and a dead datanode is known to be dead in seconds.
    settings.setLong("dfs.blocksize", 4 << 20);
    settings.setInt("dfs.heartbeat.interval", 1);
    settings.setInt("dfs.namenode.heartbeat.recheck-interval", 500);
    settings.setBoolean("dfs.namenode.avoid.read.stale.datanode", true);
    settings.setLong("dfs.namenode.stale.datanode.interval", 3_000);
    settings.setInt("dfs.ls.limit", 5);
    settings.setBoolean("dfs.client.block.write.replace-datanode-on-failure.best-effort", true);
    return settings;
  }

  public static void main(String[] arguments) throws Exception {
    final String folder = arguments[1];
    List<String> more = List.of(arguments).subList(2, arguments.length);
    switch (arguments[0]) {
      case "namenode" ->
          serveNamenodes(folder, more.get(0), more.contains("ha"), more.contains("tls"));
      case "datanode" -> serveDatanode(folder, more.get(0));
      case "gateway" -> serveGateway(folder, more.get(0));
      default -> throw new IllegalArgumentException("no such server: " + arguments[0]);
    }
    // Hadoop's threads would keep the process; there is nothing worth saving.
    Runtime.getRuntime().halt(0);
  }

  private static void serveDatanode(String folder, String number) throws Exception {
    Configuration settings = new Configuration();
    settings.addResource(new Path("file://" + folder + "/cluster.xml"));
    settings.set("dfs.datanode.hostname", HOST);
    settings.set("dfs.datanode.data.dir", "file://" + folder + "/datanode-" + number);
    settings.set("dfs.datanode.address", HOST + ":0");
    settings.set("dfs.datanode.ipc.address", HOST + ":0");
    settings.set("dfs.datanode.http.address", HOST + ":0");
    settings.set("dfs.datanode.https.address", HOST + ":0");
    DataNode datanode = DataNode.instantiateDataNode(new String[0], settings);
    datanode.runDatanodeDaemon();
    boolean tls = DFSUtil.getHttpPolicy(settings).isHttpsEnabled();
    int port = tls ? datanode.getInfoSecurePort() : datanode.getInfoPort();
    say("{\"http\": \"" + HOST + ":" + port + "\"}");
    takeNoOrders();
  }

  private static void serveGateway(String folder, String number) throws Exception {
    String home = folder + "/gateway-" + number;
    for (String part : List.of("config", "log", "temp")) {
      new File(home, part).mkdirs();
      System.setProperty("httpfs." + part + ".dir", home + "/" + part);
    }
    System.setProperty("httpfs.home.dir", home);
    Files.copy(Paths.get(folder, "cluster.xml"), Paths.get(home, "config", "core-site.xml"));
    Files.writeString(Paths.get(home, "config", "httpfs-signature.secret"), home);
    Configuration settings = new Configuration();
    settings.set("httpfs.http.hostname", HOST);
    settings.set("httpfs.http.port", "0");
    settings.setBoolean("hadoop.http.authentication.simple.anonymous.allowed", false);
    // Its main() is public, and doesn't say which port it was given.
    Constructor<HttpFSServerWebServer> make = HttpFSServerWebServer.class.getDeclaredConstructor(
        Configuration.class, Configuration.class);
    make.setAccessible(true);
    HttpFSServerWebServer gateway = make.newInstance(settings, new Configuration(false));
    gateway.start();
    say("{\"http\": \"" + HOST + ":" + gateway.getUrl().getPort() + "\"}");
    takeNoOrders();
  }

  private static void takeNoOrders() throws Exception {
    BufferedReader orders = orders();
    while (orders.readLine() != null) {
      say("{\"error\": \"this server takes no orders\"}");
    }
  }

  private static void serveNamenodes(String folder, String user, boolean pair, boolean tls)
      throws Exception {
    Configuration settings = settings(folder);
    // Whoever runs a gateway here may speak for the store's user.
    String proxy = "hadoop.proxyuser." + System.getProperty("user.name");
    settings.set(proxy + ".users", user);
    settings.set(proxy + ".hosts", HOST);
    ProxyUsers.refreshSuperUserGroupsConfiguration(settings);
    if (tls) {
      settings.set("dfs.http.policy", HttpConfig.Policy.HTTPS_ONLY.name());
      settings.set("dfs.namenode.https-address", HOST + ":0");
    }
    MiniDFSCluster.Builder builder =
        new MiniDFSCluster.Builder(settings, new File(folder + "/namenodes")).numDataNodes(0);
    if (pair) builder.nnTopology(MiniDFSNNTopology.simpleHATopology(2));
    MiniDFSCluster cluster = builder.build();
    if (pair) cluster.transitionToActive(0);
    int active = 0;
    DistributedFileSystem files = cluster.getFileSystem(active);
    Path home = new Path("/images");
    files.mkdirs(home, new FsPermission((short) 0750));
    files.setOwner(home, user, user);
    files.mkdirs(new Path("/locked"), new FsPermission((short) 0700));
    Configuration shared = new Configuration(cluster.getConfiguration(0));
    // MiniDFSCluster has written 0 there, the number of its own datanodes.
    shared.setInt("dfs.replication", 2);
    try (OutputStream out = new FileOutputStream(folder + "/cluster.xml")) {
      shared.writeXml(out);
    }
    StringBuilder ready = new StringBuilder("{\"namenodes\": [");
    for (int index = 0; index < cluster.getNumNameNodes(); ++index) {
      NameNode namenode = cluster.getNameNode(index);
      InetSocketAddress address = tls ? namenode.getHttpsAddress() : namenode.getHttpAddress();
      ready.append(index == 0 ? "\"" : ", \"").append(HOST).append(':').append(address.getPort())
          .append('"');
    }
    say(ready + "]}");

    BufferedReader orders = orders();
    for (String line = orders.readLine(); line != null; line = orders.readLine()) {
      String[] words = line.trim().split(" ");
      try {
        switch (words[0]) {
          case "datanodes" -> awaitDatanodes(cluster, active, Integer.parseInt(words[1]));
          case "safemode" -> files.setSafeMode(words[1].equals("enter")
              ? HdfsConstants.SafeModeAction.SAFEMODE_ENTER
              : HdfsConstants.SafeModeAction.SAFEMODE_LEAVE);
          case "standby" -> cluster.transitionToStandby(active);
          case "failover" -> {
            cluster.transitionToStandby(active);
            active = 1 - active;
            cluster.transitionToActive(active);
            files = cluster.getFileSystem(active);
          }
          case "quota" -> {
            long bytes = Long.parseLong(words[2]);
            files.setQuota(new Path(words[1]), HdfsConstants.QUOTA_DONT_SET,
                bytes == 0 ? HdfsConstants.QUOTA_RESET : bytes);
          }
          case "files" -> {
            say(list(files, words[1]));
            continue;
          }
          case "space" -> {
            say("{\"bytes\": " + files.getContentSummary(new Path(words[1])).getSpaceConsumed()
                + "}");
            continue;
          }
          case "empty" -> {
            for (FileStatus found : files.listStatus(new Path(words[1]))) {
              files.delete(found.getPath(), true);
            }
          }
          case "bury" -> bury(cluster.getNameNode(active), words[1]);
          default -> throw new IllegalArgumentException("unknown order " + words[0]);
        }
        say("{\"done\": true}");
      } catch (Exception failure) {
        say("{\"error\": \"" + quoted(failure.toString()) + "\"}");
      }
    }
  }

  /** MiniDFSCluster's own waiting knows only datanodes of its own process. */
  private static void awaitDatanodes(MiniDFSCluster cluster, int active, int count)
      throws Exception {
    while (cluster.getNamesystem(active).getNumLiveDataNodes() != count) Thread.sleep(20);
  }

  private static void bury(NameNode namenode, String address) {
    int port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
    for (DatanodeDescriptor datanode : namenode.getNamesystem().getBlockManager()
             .getDatanodeManager().getDatanodeListForReport(DatanodeReportType.LIVE)) {
      if (datanode.getInfoPort() == port || datanode.getInfoSecurePort() == port) {
        BlockManagerTestUtil.noticeDeadDatanode(namenode, datanode.getXferAddr());
      }
    }
  }

  private static String list(DistributedFileSystem files, String folder) throws Exception {
    List<String> names = new ArrayList<>();
    RemoteIterator<LocatedFileStatus> found = files.listFiles(new Path(folder), true);
    while (found.hasNext()) {
      names.add("\"" + quoted(found.next().getPath().toUri().getPath()) + "\"");
    }
    return "{\"files\": [" + String.join(", ", names) + "]}";
  }

  private static String quoted(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("[\\x00-\\x1f]", " ");
  }

  private static BufferedReader orders() {
    return new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
