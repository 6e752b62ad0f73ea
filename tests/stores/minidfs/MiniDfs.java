// A real HDFS for the tests of the stores: the namenodes in one process, each datanode in one of
// its own, so that a datanode can be killed as a crash would kill it.
//
//   java ... MiniDfs namenode FOLDER USER [ha]   makes an HDFS in FOLDER, its user's folder "/images"
//   java ... MiniDfs datanode FOLDER NUMBER      joins it
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

import java.io.BufferedReader;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.MiniDFSNNTopology;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;
import org.apache.hadoop.hdfs.server.datanode.DataNode;

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
    if (arguments[0].equals("namenode")) {
      serveNamenodes(folder, arguments[2], arguments.length > 3 && arguments[3].equals("ha"));
    } else {
      serveDatanode(folder, arguments[2]);
    }
    // Hadoop's threads would keep the process; there is nothing worth saving.
    Runtime.getRuntime().halt(0);
  }

  private static void serveDatanode(String folder, String number) throws Exception {
    Configuration settings = new Configuration();
    settings.addResource(new Path("file://" + folder + "/cluster.xml"));
    settings.set("dfs.datanode.hostname", HOST);
    // MiniDFSCluster has written 0 there, the number of its own datanodes.
    settings.setInt("dfs.replication", 2);
    settings.set("dfs.datanode.data.dir", "file://" + folder + "/datanode-" + number);
    settings.set("dfs.datanode.address", HOST + ":0");
    settings.set("dfs.datanode.ipc.address", HOST + ":0");
    settings.set("dfs.datanode.http.address", HOST + ":0");
    DataNode datanode = DataNode.instantiateDataNode(new String[0], settings);
    datanode.runDatanodeDaemon();
    say("{\"http\": \"" + HOST + ":" + datanode.getInfoPort() + "\"}");
    BufferedReader orders = orders();
    while (orders.readLine() != null) {
      say("{\"error\": \"a datanode takes no orders\"}");
    }
  }

  private static void serveNamenodes(String folder, String user, boolean pair) throws Exception {
    MiniDFSCluster.Builder builder =
        new MiniDFSCluster.Builder(settings(folder), new File(folder + "/namenodes"))
            .numDataNodes(0);
    if (pair) builder.nnTopology(MiniDFSNNTopology.simpleHATopology(2));
    MiniDFSCluster cluster = builder.build();
    if (pair) cluster.transitionToActive(0);
    int active = 0;
    DistributedFileSystem files = cluster.getFileSystem(active);
    Path home = new Path("/images");
    files.mkdirs(home, new FsPermission((short) 0750));
    files.setOwner(home, user, user);
    files.mkdirs(new Path("/locked"), new FsPermission((short) 0700));
    try (OutputStream out = new FileOutputStream(folder + "/cluster.xml")) {
      cluster.getConfiguration(0).writeXml(out);
    }
    StringBuilder ready = new StringBuilder("{\"namenodes\": [");
    for (int index = 0; index < cluster.getNumNameNodes(); ++index) {
      ready.append(index == 0 ? "\"" : ", \"").append(HOST).append(':')
          .append(cluster.getNameNode(index).getHttpAddress().getPort()).append('"');
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
