#include "tests/random/minimise.hpp"

#include "decoder/format.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace truering::random_test {

namespace {

class Minimiser {
  public:
    Minimiser(const Plan& plan, const SessionOptions& options) : plan_(plan), options_(options) {
        best_.kept.assign(plan.program.items.size(), true);
        best_.image = lay_out(plan.program, best_.kept);
        best_.result = run_session(plan, best_.image, options);
    }

    SmallDifference run() {
        std::size_t before = 0;
        do {
            before = count();
            for (std::size_t piece = plan_.program.items.size() / 2; piece > 0; piece /= 2) drop_pieces(piece);
        } while (count() < before);
        return std::move(best_);
    }

  private:
    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(std::count(best_.kept.begin(), best_.kept.end(), true));
    }

    void drop_pieces(std::size_t piece) {
        for (std::size_t at = 0; at < best_.kept.size(); at += piece) {
            std::vector<bool> kept = best_.kept;
            for (std::size_t n = at; n < std::min(at + piece, kept.size()); ++n) kept[n] = false;
            if (kept != best_.kept) try_without(std::move(kept));
        }
    }
    void try_without(std::vector<bool> kept) {
        Image image = lay_out(plan_.program, kept);
        if (image.bytes.empty()) return;
        SessionResult result = run_session(plan_, image, options_);
        if (!result.differences.empty()) best_ = {std::move(kept), std::move(image), std::move(result)};
    }

    const Plan& plan_;
    const SessionOptions& options_;
    SmallDifference best_;
};

std::string disassembly(const Plan& plan, const SmallDifference& difference) {
    std::string text;
    const auto& bytes = difference.image.bytes;
    const FeatureSet features = find_cpu_model("pentium4")->features;
    for (std::size_t item = 0; item < difference.kept.size(); ++item) {
        if (!difference.kept[item]) continue;
        for (std::size_t at = difference.image.begins[item]; at < difference.image.begins[item + 1];) {
            const Decoded d = decode({&bytes[at], bytes.size() - at}, plan.program.size, features);
            if (d.status == DecodeStatus::Truncated) break;
            const auto eip = static_cast<u32>(difference.image.first_eip + at);
            std::string hex;
            for (unsigned n = 0; n < d.instruction.length; ++n) hex += fmt::format("0x{:02X}, ", bytes[at + n]);
            text += fmt::format("    {:<52}// {:05X} item {}: {}\n", hex, eip, item, format(d.instruction, eip));
            at += d.instruction.length;
        }
    }
    return text;
}

std::string start(const Setup& s) {
    std::string text = "    // gpr";
    for (const u32 reg : s.gpr) text += fmt::format(" {:08X}", reg);
    return text +
           fmt::format(" (esp is set), eflags {:08X}, x87 control {:04X}, MXCSR {:04X}, cr0 {:X}, cr4 {:X}, cpl {}\n",
                       s.eflags, s.fpu_control, s.mxcsr, s.cr0, s.cr4, s.cpl);
}

} // namespace

SmallDifference minimise(const Plan& plan, const SessionOptions& options) { return Minimiser(plan, options).run(); }

std::string describe(const Plan& plan, const SmallDifference& difference) {
    std::string text = fmt::format("seed {} ({}): the engines differ behind run {}, after {} instructions\n", plan.seed,
                                   plan.kind, difference.result.run, difference.result.instructions);
    text += start(plan.setup) + disassembly(plan, difference);
    for (const Difference& d : difference.result.differences)
        text += fmt::format("    // {}: interpreter {}, translator {}\n", d.name, d.reference, d.other);
    std::string items;
    for (std::size_t n = 0; n < difference.kept.size(); ++n)
        if (difference.kept[n]) items += fmt::format("{}{}", items.empty() ? "" : ",", n);
    return text + fmt::format("    // again: --seed {} --items {}\n", plan.seed, items);
}

} // namespace truering::random_test
