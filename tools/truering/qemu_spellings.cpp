#include "tools/truering/qemu_spellings.hpp"

#include "tools/truering/nearest.hpp"
#include "tools/truering/option_table.hpp"
#include "tools/truering/values.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>

namespace truering {

namespace {

enum class Do {
    Replace,       // by the words of `ours`, %s standing for the value
    Ignore,        // it asks for what is so anyway
    IgnoreSetting, // it asks for something that does not exist here and that a guest can do without
    Refuse,        // with the message in `ours`
    Device,
    Vga,
    Network,
    Display,
    Monitor,
    Parallel,
};

struct Spelling {
    std::string_view qemu;
    bool takes_value;
    Do action;
    std::string_view ours;
};

constexpr std::string_view no_stub = "the GDB stub is not there yet";
constexpr std::string_view no_monitor = "the monitor is not there yet, so nothing could start a stopped machine";

constexpr std::array spellings{
    Spelling{"hda", true, Do::Replace, "--drive=file=%f,if=hd0"},
    Spelling{"hdb", true, Do::Replace, "--drive=file=%f,if=hd1"},
    Spelling{"hdc", true, Do::Replace, "--drive=file=%f,if=hd2"},
    Spelling{"hdd", true, Do::Replace, "--drive=file=%f,if=hd3"},
    Spelling{"fda", true, Do::Replace, "--drive=file=%f,if=fd0"},
    Spelling{"fdb", true, Do::Replace, "--drive=file=%f,if=fd1"},
    Spelling{"cdrom", true, Do::Replace, "--drive=file=%f,if=cd0"},
    Spelling{"drive", true, Do::Replace, "--drive=%s"},
    Spelling{"boot", true, Do::Replace, "--boot=%s"},
    Spelling{"kernel", true, Do::Replace, "--kernel=%s"},
    Spelling{"initrd", true, Do::Replace, "--initrd=%s"},
    Spelling{"append", true, Do::Replace, "--append=%s"},
    Spelling{"nographic", false, Do::Replace, "--nographic"},
    Spelling{"curses", false, Do::Replace, "--display=term"},
    Spelling{"sdl", false, Do::Replace, "--display=sdl"},
    Spelling{"full-screen", false, Do::Replace, "--full-screen"},
    Spelling{"no-reboot", false, Do::Replace, "--on=reset=exit"},
    Spelling{"no-shutdown", false, Do::Replace, "--on=shutdown=pause"},
    Spelling{"serial", true, Do::Replace, "--serial=%s"},
    Spelling{"debugcon", true, Do::Replace, "--debugcon=%s"},
    Spelling{"snapshot", false, Do::Replace, "--snapshot"},
    Spelling{"smp", true, Do::Replace, "--smp=%s"},
    Spelling{"cpu", true, Do::Replace, "--cpu=%s"},
    Spelling{"machine", true, Do::Replace, "--machine=%s"},
    Spelling{"bios", true, Do::Replace, "--bios=%s"},
    Spelling{"rtc", true, Do::Replace, "--rtc=%s"},
    Spelling{"icount", true, Do::Replace, "--clock=icount"},
    Spelling{"name", true, Do::Replace, "--title=%s"},
    Spelling{"help", false, Do::Replace, "--help"},
    Spelling{"display", true, Do::Display, ""},
    Spelling{"parallel", true, Do::Parallel, ""},
    Spelling{"monitor", true, Do::Monitor, ""},
    Spelling{"device", true, Do::Device, ""},
    Spelling{"vga", true, Do::Vga, ""},
    Spelling{"net", true, Do::Network, ""},
    Spelling{"nic", true, Do::Network, ""},
    Spelling{"no-fd-bootchk", false, Do::Ignore, ""},
    Spelling{"no-user-config", false, Do::Ignore, ""},
    Spelling{"nodefaults", false, Do::Ignore, ""},
    Spelling{"accel", true, Do::IgnoreSetting, "there is one way to execute here"},
    Spelling{"enable-kvm", false, Do::IgnoreSetting, "there is one way to execute here"},
    Spelling{"no-acpi", false, Do::Replace, "--machine=pc,acpi=off"},
    Spelling{"no-hpet", false, Do::Ignore, ""},
    Spelling{"usb", false, Do::IgnoreSetting, "there is no USB"},
    Spelling{"audiodev", true, Do::IgnoreSetting, "there is no sound"},
    Spelling{"soundhw", true, Do::IgnoreSetting, "there is no sound"},
    Spelling{"k", true, Do::IgnoreSetting, "keys go by their place"},
    Spelling{"gdb", true, Do::Refuse, no_stub},
    Spelling{"s", false, Do::Refuse, no_stub},
    Spelling{"S", false, Do::Refuse, no_monitor},
    Spelling{"d", true, Do::Refuse, "traces are not there yet"},
    Spelling{"D", true, Do::Refuse, "traces are not there yet"},
    Spelling{"loadvm", true, Do::Refuse, "snapshots of the machine are not there yet"},
    Spelling{"qmp", true, Do::Refuse, "the monitor is not there yet"},
};

std::string replaced(std::string_view pattern, const std::string& value) {
    const size_t mark = pattern.find('%');
    if (mark == std::string_view::npos) return std::string(pattern);
    std::string inserted = value;
    if (pattern[mark + 1] == 'f') { // a file name within a list: its commas are doubled
        inserted.clear();
        for (const char c : value) inserted += c == ',' ? ",," : std::string(1, c);
    }
    return std::string(pattern.substr(0, mark)) + inserted + std::string(pattern.substr(mark + 2));
}

class Rewriter {
  public:
    explicit Rewriter(const std::vector<std::string>& words) : words_(words) {}

    Rewritten run() {
        while (at_ < words_.size()) {
            const std::string& word = words_[at_++];
            if (word == "--") {
                result_.words.push_back(word);
                while (at_ < words_.size()) result_.words.push_back(words_[at_++]);
            } else if (const Spelling* spelling = find(word)) {
                rewrite(*spelling);
            } else {
                pass(word);
            }
        }
        return std::move(result_);
    }

  private:
    // QEMU's `-x`; of one letter as well, where none of ours has it.
    static const Spelling* find(const std::string& word) {
        if (word.size() < 2 || word[0] != '-' || word[1] == '-') return nullptr;
        for (const Spelling& spelling : spellings)
            if (spelling.qemu == word.substr(1) && !(word.size() == 2 && our_letter(word[1]))) return &spelling;
        return nullptr;
    }

    static bool our_letter(char letter) {
        for (const OptionRow& row : option_table())
            if (row.letter == letter) return true;
        return false;
    }

    // Ours, an image, or a mistake.
    void pass(const std::string& word) {
        result_.words.push_back(word);
        if (word.size() < 2 || word[0] != '-') return;
        if (word[1] == '-') {
            skip_value(word.substr(2));
            return;
        }
        const bool glued_value = std::isdigit(static_cast<unsigned char>(word[word.size() > 2 ? 2 : 1])) != 0;
        if (word.size() > 2 && !(our_letter(word[1]) && glued_value)) {
            std::vector<std::string> names = option_names();
            for (const Spelling& spelling : spellings) names.emplace_back(spelling.qemu);
            std::string nearest = nearest_name(word.substr(1), names);
            const bool ours = find_option(nearest) != nullptr;
            throw UsageError(
                fmt::format("unknown option '{}'{}", word,
                            nearest.empty() ? "" : fmt::format("; did you mean '{}{}'?", ours ? "--" : "-", nearest)));
        }
        for (const OptionRow& row : option_table())
            if (row.letter == word[1] && word.size() == 2) skip_value(std::string(row.name));
    }

    // The value of an option of ours is not looked at, whatever it begins with.
    void skip_value(const std::string& name) {
        const OptionRow* row = find_option(name);
        if (row != nullptr && row->takes_value_only_glued()) {
            result_.words.back() = fmt::format("--{}=on", row->name);
        } else if (row != nullptr && !row->value.empty() && at_ < words_.size()) {
            // In one word with its option, so that a value may begin with a dash.
            result_.words.back() = fmt::format("--{}={}", row->name, words_[at_++]);
        }
    }

    std::string take_value(const Spelling& spelling) {
        if (!spelling.takes_value) return {};
        if (at_ == words_.size()) throw UsageError(fmt::format("-{} needs a value", spelling.qemu));
        return words_[at_++];
    }

    void note(const Spelling& spelling, std::string_view why) {
        result_.notes.push_back(fmt::format("-{} has no effect: {}", spelling.qemu, why));
    }

    void rewrite(const Spelling& spelling) {
        const std::string value = take_value(spelling);
        auto& out = result_.words;
        switch (spelling.action) {
        case Do::Replace: out.push_back(replaced(spelling.ours, value)); break;
        case Do::Ignore: break;
        case Do::IgnoreSetting: note(spelling, spelling.ours); break;
        case Do::Refuse: throw UsageError(fmt::format("-{}: {}", spelling.qemu, spelling.ours));
        case Do::Device: device(value); break;
        case Do::Vga: vga(value); break;
        case Do::Network:
            if (value != "none") note(spelling, "this machine has no network card");
            break;
        case Do::Display: out.push_back("--display=" + display(value)); break;
        case Do::Monitor:
            if (value != "none" && value != "null") note(spelling, "the monitor is not there yet");
            break;
        case Do::Parallel: out.push_back("--parallel=" + value); break;
        }
    }

    static std::string display(const std::string& value) {
        const std::string kind = split_list(value)[0].key;
        if (kind == "curses") return "term";
        if (kind == "gtk") return "sdl";
        return kind;
    }

    void device(const std::string& value) {
        const std::string name = split_list(value)[0].key;
        if (name != "isa-debug-exit" && name != "VGA")
            throw UsageError(
                fmt::format("-device {}: this machine's devices are fixed; see 'truering list devices'", name));
        if (name == "VGA") return;
        std::string port = "0x501"; // QEMU's default
        std::string size = "2";
        for (const KeyValue& pair : split_list(value)) {
            if (pair.key == "iobase") port = pair.value;
            if (pair.key == "iosize") size = pair.value;
        }
        result_.words.push_back(fmt::format("--debug-exit={},iosize={}", port, size));
    }

    static void vga(const std::string& value) {
        if (value != "std")
            throw UsageError(
                fmt::format("-vga {}: this machine has a standard VGA with the VBE extension (std)", value));
    }

    const std::vector<std::string>& words_;
    size_t at_ = 0;
    Rewritten result_;
};

} // namespace

Rewritten rewrite_qemu_spellings(const std::vector<std::string>& words) { return Rewriter(words).run(); }

} // namespace truering
