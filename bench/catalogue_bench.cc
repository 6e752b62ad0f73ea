// How quick the embedded catalogue is at a given size. Run by hand: catalogue_bench FILE [RECORDS]
//
// Fills FILE (new, or left by a run before) with records of eight facts each, then prints one line
// a measurement. Figures are of one thread unless the line says otherwise, and of a warm page
// cache.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "catalogue/sqlite/sqlite_catalogue.h"

namespace {

using namespace visor::catalogue;
using Steady = std::chrono::steady_clock;

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

[[noreturn]] void give_up(const visor::Error& error) {
  std::fprintf(stderr, "%s [%s]\n", error.message.c_str(), error.where.c_str());
  std::exit(1);
}

// Ids that look like random UUIDs and can be made again from their number.
std::string id_of(std::uint64_t number) {
  std::uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15ULL;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
  char text[40];
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012llx",
                static_cast<unsigned>(mixed >> 32), static_cast<unsigned>(mixed >> 16 & 0xffff),
                static_cast<unsigned>(mixed & 0xfff), static_cast<unsigned>(number & 0xfff),
                static_cast<unsigned long long>(number));
  return text;
}

std::string padded(std::uint64_t number) {
  std::string text = std::to_string(number);
  return std::string(12 - text.size(), '0') + text;
}

Put record(std::uint64_t number) {
  Put put;
  put.record.collection = "images";
  put.record.id = id_of(number);
  put.record.document.assign(600, 'd');
  put.record.facts = {
      {"@access", number % 10 == 0 ? "account:" + std::to_string(number % 5000) : "public"},
      {"name", "image " + std::to_string(number)},
      {"architecture", number % 3 == 0 ? "i386" : "x86_64"},
      {"status", number % 50 == 3 ? "locked" : "available"},
      {"owner", "account:" + std::to_string(number % 5000)},
      {"created_at", padded(number * 7)},
      {"size", padded(number * 7919 % 1'000'003)},
  };
  // A free attribute that one in a thousand has; one in ten thousand has not been uploaded, and
  // lacks the checksum.
  if (number % 1000 == 1) put.record.facts.push_back({"colour", "green"});
  if (number % 10'000 != 2)
    put.record.facts.push_back({"checksum", padded(number * 104'729 % 999'983)});
  return put;
}

void measure(const char* name, const std::function<void(std::uint64_t)>& work,
             double at_least = 0.7) {
  std::vector<double> times;
  const auto start = Steady::now();
  for (std::uint64_t round = 0; seconds_since(start) < at_least; ++round) {
    const auto begin = Steady::now();
    work(round);
    times.push_back(seconds_since(begin));
  }
  const double total = seconds_since(start);
  std::ranges::sort(times);
  std::printf("%-64s %10.0f /s   median %9.1f us   p99 %9.1f us\n", name,
              static_cast<double>(times.size()) / total, times[times.size() / 2] * 1e6,
              times[times.size() * 99 / 100] * 1e6);
}

void fill(Catalogue& catalogue, std::uint64_t records) {
  const auto start = Steady::now();
  for (std::uint64_t first = 0; first < records; first += 1000) {
    Batch batch;
    for (std::uint64_t number = first; number < std::min(first + 1000, records); ++number) {
      batch.puts.push_back(record(number));
    }
    if (auto done = catalogue.apply(batch); !done) give_up(done.error());
  }
  std::printf("filled with %llu records in %.1f s\n", static_cast<unsigned long long>(records),
              seconds_since(start));
}

void measure_threads(const char* name, int threads,
                     const std::function<bool(int, std::uint64_t)>& work) {
  std::atomic<std::uint64_t> done = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> running;
  const auto start = Steady::now();
  const double cpu_before = cpu_seconds();
  for (int thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      for (std::uint64_t round = 0; !stop; ++round) {
        if (work(thread, round)) ++done;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::seconds(2));
  stop = true;
  for (std::thread& thread : running) thread.join();
  std::printf("%-48s %2d threads %10.0f /s   %6.1f us of CPU each\n", name, threads,
              static_cast<double>(done) / seconds_since(start),
              (cpu_seconds() - cpu_before) * 1e6 / static_cast<double>(done));
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s FILE [RECORDS]\n", arguments[0]);
    return 2;
  }
  const std::uint64_t records = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1'000'000;
  SqliteCatalogue::Options options;
  options.path = arguments[1];
  {
    auto first = SqliteCatalogue::open(options);
    if (!first) give_up(first.error());
    if (!(*first)->get("images", id_of(records - 1))) fill(**first, records);
  }
  measure("open, and the first read", [&](std::uint64_t) {
    auto catalogue = SqliteCatalogue::open(options);
    if (!catalogue || !(*catalogue)->get("images", id_of(7))) std::abort();
  });
  auto opened = SqliteCatalogue::open(options);
  if (!opened) give_up(opened.error());
  Catalogue& catalogue = **opened;
  std::mt19937_64 random(42);

  measure("get, any of all", [&](std::uint64_t) {
    if (!catalogue.get("images", id_of(random() % records))) std::abort();
  });
  measure("get, one of 1000", [&](std::uint64_t) {
    if (!catalogue.get("images", id_of(random() % 1000))) std::abort();
  });
  measure_threads("get, any of all", 2, [&](int thread, std::uint64_t round) {
    return catalogue
        .get("images", id_of((round * 7919 + static_cast<std::uint64_t>(thread)) % records))
        .has_value();
  });

  struct Question {
    const char* name;
    std::vector<std::string> access;
    std::vector<Fact> filters;
    std::string sort;
  };
  const std::vector<Question> questions = {
      {"all, by id", {}, {}, ""},
      {"public, by id", {"public"}, {}, ""},
      {"public and account, by id", {"public", "account:70"}, {}, ""},
      {"account alone (200), by id", {"account:70"}, {}, ""},
      {"common filter, by id", {"public", "account:70"}, {{"architecture", "x86_64"}}, ""},
      {"rare filter (0.1%), by id", {"public", "account:70"}, {{"colour", "green"}}, ""},
      {"two filters, common and 2%, by id",
       {"public", "account:70"},
       {{"architecture", "i386"}, {"status", "locked"}},
       ""},
      {"two filters that exclude each other, by id",
       {"public"},
       {{"owner", "account:70"}, {"colour", "green"}},
       ""},
      {"name, by id", {"public", "account:70"}, {{"name", "image 4711"}}, ""},
      {"public and account, by creation", {"public", "account:70"}, {}, "created_at"},
      {"common filter, by creation",
       {"public", "account:70"},
       {{"architecture", "x86_64"}},
       "created_at"},
      {"2% filter, by creation", {"public", "account:70"}, {{"status", "locked"}}, "created_at"},
      {"rare filter (0.1%), by creation",
       {"public", "account:70"},
       {{"colour", "green"}},
       "created_at"},
      {"owner (200), by size", {"public", "account:70"}, {{"owner", "account:70"}}, "size"},
      {"public, by a fact that few have", {"public", "account:70"}, {}, "colour"},
      {"public, by a fact that nearly all have", {"public", "account:70"}, {}, "checksum"},
  };
  const bool only_writes = count > 3 && std::string(arguments[3]) == "writes";
  for (const Question& question : questions) {
    if (only_writes) break;
    for (const Direction direction : {Direction::ascending, Direction::descending}) {
      Query query;
      query.collection = "images";
      query.limit = 25;
      query.filters = question.filters;
      query.sort = question.sort;
      query.direction = direction;
      if (!question.access.empty()) query.access = question.access;
      const std::string name = std::string("page of 25: ") + question.name +
                               (direction == Direction::ascending ? ", up" : ", down");
      // Page after page, from the start again at the end.
      measure(name.c_str(), [&](std::uint64_t) {
        auto page = catalogue.find(query);
        if (!page) give_up(page.error());
        query.after = page->next;
      });
    }
  }

  std::uint64_t next = records + static_cast<std::uint64_t>(random() % 1'000'000'000);
  measure("durable create, one client", [&](std::uint64_t) {
    Batch batch;
    batch.puts = {record(next++)};
    batch.counters = {{"bytes", 1, {}}};
    if (auto done = catalogue.apply(batch); !done) give_up(done.error());
  });
  std::atomic<std::uint64_t> number = next + 1'000'000;
  for (const int threads : {8, 64}) {
    measure_threads("durable create", threads, [&](int, std::uint64_t) {
      Batch batch;
      batch.puts = {record(number++)};
      batch.counters = {{"bytes", 1, {}}};
      return catalogue.apply(batch).has_value();
    });
  }
  const std::string copy = options.path + ".copy";
  const auto start = Steady::now();
  if (auto done = catalogue.backup(copy); !done) give_up(done.error());
  std::printf("backup in %.2f s\n", seconds_since(start));
  std::remove(copy.c_str());
  return 0;
}
