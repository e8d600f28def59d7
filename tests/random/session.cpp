#include "tests/random/session.hpp"

#include "tests/random/random.hpp"
#include "tests/random/tables.hpp"

#include <cstring>
#include <fmt/format.h>

namespace truering::random_test {

namespace {

class Session {
  public:
    Session(const Plan& plan, const Image& image, const SessionOptions& options)
        : plan_(plan), random_(plan.seed ^ 0x5E55'1011), interpreted_(Engine::Interpreter, 0, plan, image),
          translated_(Engine::Translator, options.code_bytes, plan, image) {}

    SessionResult run() {
        while (result_.differences.empty() && interpreted_.cpu.retired() < plan_.instructions && idle_runs_ < 8) {
            if (!run_once()) break;
            ++result_.run;
        }
        if (result_.differences.empty()) compare_memory();
        result_.instructions = interpreted_.cpu.retired();
        result_.translated = translated_.translated();
        result_.coverage = interpreted_.cpu.coverage();
        count_faults();
        return std::move(result_);
    }

  private:
    u64 next_budget() {
        switch (random_.below(10)) {
        case 0: return 1 + random_.below(4);
        case 1:
        case 2: return 1 + random_.below(64);
        case 3:
        case 4:
        case 5:
        case 6: return 1 + random_.below(1500);
        default: return 1 + random_.below(20'000);
        }
    }

    // The same to both: now and then something comes from outside.
    template <class What> void both(What what) {
        what(interpreted_);
        what(translated_);
    }
    void interfere() {
        if (random_.one_in(40)) both([](Machine& m) { pulse_NMI(m); });
        if (random_.one_in(40)) {
            const auto vector = static_cast<u8>(random_.between(first_interrupt, vector_count - 1));
            both([vector](Machine& m) { m.interrupts.raise(vector); });
        }
        if (random_.one_in(60)) // a chip writes to memory
            write_to_both(Physical{random_.between(place::data, place::counters - 4)}, random_.value());
    }
    void write_to_both(Physical to, u32 value) {
        both([to, value](Machine& m) { m.memory.write(to, {reinterpret_cast<const u8*>(&value), sizeof value}); });
    }
    static void pulse_NMI(Machine& m) {
        m.cpu.set_nmi_line(0, true);
        m.cpu.set_nmi_line(0, false);
    }

    // False: the program has come to its end.
    bool run_once() {
        interfere();
        const u64 budget = next_budget();
        const RunResult a = interpreted_.cpu.run(budget), b = translated_.cpu.run(budget);
        result_.differences = differences_of_processors(interpreted_, translated_);
        if (a.reason != b.reason || a.executed != b.executed)
            result_.differences.push_back({"the run's end", text(a), text(b)});
        if (result_.differences.empty() && result_.run % 16 == 0) compare_memory();
        idle_runs_ = a.executed == 0 ? idle_runs_ + 1 : 0;
        result_.shut_down = a.reason == StopReason::Shutdown;
        if (a.reason == StopReason::Halted) both([](Machine& m) { pulse_NMI(m); });
        return !result_.shut_down;
    }
    static std::string text(const RunResult& r) {
        constexpr const char* names[] = {"budget", "halted", "shutdown", "request"};
        return fmt::format("{} after {}", names[static_cast<unsigned>(r.reason)], r.executed);
    }

    void compare_memory() { result_.differences = differences_of_memory(interpreted_, translated_); }

    // The log holds the last ones only: enough to see of what kinds they are.
    void count_faults() {
        for (u32 at = place::fault_log; at < place::fault_log + place::fault_log_bytes; at += 16) {
            u32 entry[4];
            std::memcpy(entry, &interpreted_.memory.ram()[at], sizeof entry);
            if (entry[0] < std::size(result_.faults) && entry[2] != 0) ++result_.faults[entry[0]];
        }
    }

    const Plan& plan_;
    Random random_;
    Machine interpreted_, translated_;
    SessionResult result_;
    unsigned idle_runs_ = 0;
};

} // namespace

SessionResult run_session(const Plan& plan, const Image& image, const SessionOptions& options) {
    return Session(plan, image, options).run();
}

} // namespace truering::random_test
