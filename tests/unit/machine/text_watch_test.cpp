#include "machine/event_queue.hpp"
#include "machine/text_watch.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

struct HandTime final : TimeSource {
    Nanoseconds present = 0;
    [[nodiscard]] Nanoseconds now() const override { return present; }
};

struct Bench {
    HandTime time;
    EventQueue queue{time};
    std::optional<TextScreen> screen;
    TextWatch watch{queue, [this] { return screen; }};
    std::string found;

    void expect(const std::string& pattern) {
        watch.expect(pattern, [this](const std::string& line) { found += "[" + line + "]"; });
    }
    void say(const std::string& text, unsigned port = 0) {
        for (const char c : text) watch.hear(port, static_cast<u8>(c));
    }
    void pass(Nanoseconds duration) {
        const Nanoseconds end = time.present + duration;
        while (queue.next() <= end) {
            time.present = std::max(time.present, queue.next());
            queue.fire_due();
        }
        time.present = end;
    }
    void show(const std::string& text) {
        screen.emplace();
        screen->columns = static_cast<unsigned>(text.size());
        screen->rows = 1;
        for (const char c : text) screen->cells.push_back({static_cast<u8>(c), 7});
    }
};

TEST(TextWatch, FindsALineOnce) {
    Bench bench;
    bench.expect("^Guest.*up");
    bench.say("The Guest is up\r\nGuest is up\r\nGuest is up\r\n");
    EXPECT_EQ(bench.found, "[Guest is up]");
}

TEST(TextWatch, FindsAPromptWhenThePortIsQuiet) {
    Bench bench;
    bench.expect("login: $");
    bench.say("login: ");
    EXPECT_EQ(bench.found, "");
    bench.pass(TextWatch::quiet_time);
    EXPECT_EQ(bench.found, "[login: ]");
}

TEST(TextWatch, FindsWhatAlreadyStandsThere) {
    Bench bench;
    bench.say("$ ");
    bench.expect("\\$ $");
    bench.pass(TextWatch::quiet_time);
    EXPECT_EQ(bench.found, "[$ ]");
}

TEST(TextWatch, PortsDoNotMixAndEscapesAreTakenOut) {
    Bench bench;
    bench.expect("^abc$");
    bench.expect("red");
    bench.say("ab", 0);
    bench.say("xx\n", 1);
    bench.say("c\n", 0);
    bench.say("\x1B[1;31mr\x1B[0med\n", 1);
    EXPECT_EQ(bench.found, "[abc][red]");
}

TEST(TextWatch, LooksAtTheScreen) {
    Bench bench;
    bench.expect("C:\\\\>");
    bench.pass(TextWatch::screen_interval * 2);
    EXPECT_EQ(bench.found, "");
    bench.show("C:\\>");
    bench.pass(TextWatch::screen_interval * 2);
    EXPECT_EQ(bench.found, "[C:\\>]");
}

TEST(TextWatch, AHandlerMayExpectMore) {
    Bench bench;
    bench.watch.expect("one", [&](const std::string&) { bench.expect("two"); });
    bench.say("one\ntwo\n");
    EXPECT_EQ(bench.found, "[two]");
}

TEST(TextWatch, KeepsTheLastLines) {
    Bench bench;
    for (int n = 0; n < 300; ++n) bench.say(std::to_string(n) + "\n");
    bench.say("rest");
    EXPECT_EQ(bench.watch.last_lines(0, 3), (std::vector<std::string>{"298", "299", "rest"}));
    bench.say(std::string(100'000, 'x')); // no line grows without bound
    for (const std::string& line : bench.watch.last_lines(0, 100)) EXPECT_LE(line.size(), TextWatch::longest_line);
}

} // namespace
} // namespace truering
