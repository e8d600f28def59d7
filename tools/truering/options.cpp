#include "tools/truering/options.hpp"

#include "tools/truering/nearest.hpp"
#include "tools/truering/option_table.hpp"
#include "tools/truering/qemu_spellings.hpp"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <fstream>

namespace truering {

namespace po = boost::program_options;

namespace {

struct Given {
    std::string name; // empty: an image
    std::string value;
};

po::options_description description() {
    po::options_description result;
    for (const OptionRow& row : option_table()) {
        std::string name(row.name);
        if (row.letter != 0) name += fmt::format(",{}", row.letter);
        if (row.value.empty())
            result.add_options()(name.c_str(), "");
        else
            result.add_options()(name.c_str(), po::value<std::string>(), "");
    }
    return result;
}

std::vector<Given> in_order(const po::parsed_options& parsed) {
    std::vector<Given> result;
    for (const po::option& option : parsed.options) {
        const bool image = option.position_key >= 0;
        for (const std::string& value : option.value) result.push_back({image ? "" : option.string_key, value});
        if (option.value.empty() && !image) result.push_back({option.string_key, ""});
    }
    return result;
}

std::vector<Given> parse_words(const std::vector<std::string>& words) {
    using namespace po::command_line_style;
    const po::options_description known = description();
    try {
        return in_order(po::command_line_parser(words)
                            .options(known)
                            .style(allow_long | long_allow_adjacent | long_allow_next | allow_short |
                                   allow_dash_for_short | short_allow_adjacent | short_allow_next)
                            .run());
    } catch (const po::unknown_option& error) {
        std::string name = error.get_option_name();
        name.erase(0, name.find_first_not_of('-'));
        const std::string nearest = nearest_name(name, option_names());
        throw UsageError(fmt::format("unknown option '{}'{}", error.get_option_name(),
                                     nearest.empty() ? "" : "; did you mean '--" + nearest + "'?"));
    } catch (const po::error& error) {
        throw UsageError(error.what());
    }
}

void apply(Settings& settings, const Given& given, const std::string& origin) {
    if (given.name.empty()) {
        settings.pc.drives.push_back(parse_image(given.value));
        return;
    }
    const OptionRow* row = find_option(given.name);
    if (row == nullptr)
        throw UsageError(
            fmt::format("{}unknown option '{}'{}", origin, given.name, suggestion(given.name, option_names())));
    if (row->apply == nullptr) return;
    try {
        row->apply(settings, given.value);
    } catch (const UsageError& error) {
        const std::string message = error.what();
        const bool named = message.rfind("--", 0) == 0;
        throw UsageError(origin + (named ? message : fmt::format("--{}: {}", row->name, message)));
    }
}

std::vector<Given> parse_config(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw UsageError(fmt::format("--config: '{}' cannot be read", path));
    std::vector<Given> result;
    try {
        const auto parsed = po::parse_config_file<char>(file, description(), true);
        result = in_order(parsed);
    } catch (const po::error& error) {
        throw UsageError(fmt::format("{}: {}", path, error.what()));
    }
    std::vector<Given> given;
    for (Given& option : result) {
        if (option.name == "image") { // what stands alone on a command line
            given.push_back({"", option.value});
            continue;
        }
        const OptionRow* row = find_option(option.name);
        const bool is_switch = row != nullptr && row->value.empty();
        if (is_switch && !option.value.empty() && !parse_switch(option.value)) continue;
        given.push_back(std::move(option));
    }
    return given;
}

std::vector<Given> gather(const std::vector<Given>& words, Settings& settings) {
    for (const Given& given : words)
        if (given.name == "config")
            for (const Given& line : parse_config(given.value)) apply(settings, line, given.value + ": ");
    for (const Given& given : words) apply(settings, given, "");
    return words;
}

} // namespace

namespace {

// A word as a shell takes it.
std::string quoted(const std::string& word) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=,:+@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string result = "'";
    for (const char c : word) result += c == '\'' ? "'\\''" : std::string(1, c);
    return result + "'";
}

} // namespace

Settings parse_options(const std::vector<std::string>& words) {
    Settings settings;
    settings.command = "truering";
    for (const std::string& word : words) settings.command += " " + quoted(word);
    Rewritten rewritten = rewrite_qemu_spellings(words);
    gather(parse_words(rewritten.words), settings);
    settings.notes = std::move(rewritten.notes);
    return settings;
}

std::string dump_config(const std::vector<std::string>& words) {
    std::string text;
    const auto add = [&](const Given& given) {
        if (given.name == "config" || given.name == "dump-config") return;
        const OptionRow* row = find_option(given.name);
        const bool is_switch = row != nullptr && row->value.empty();
        text += fmt::format("{} = {}\n", given.name.empty() ? "image" : given.name, is_switch ? "on" : given.value);
    };
    const std::vector<Given> all = parse_words(rewrite_qemu_spellings(words).words);
    for (const Given& given : all)
        if (given.name == "config")
            for (const Given& line : parse_config(given.value)) add(line);
    for (const Given& given : all) add(given);
    return text;
}

std::string help_text() {
    std::string text = "truering [run] [OPTIONS] IMAGE...   start a PC with these disks, floppies and CDs\n"
                       "truering demo [NAME]                see it work; truering demo --list\n"
                       "truering list cpus|keys|firmware|devices|encodings\n"
                       "truering doctor                     what this host has and what is missing\n"
                       "truering version\n"
                       "truering completions bash           a script for the shell\n\n"
                       "IMAGE is told by its content; fd0=IMAGE, hd1=IMAGE, cd0=IMAGE say where it goes.\n"
                       "QEMU's spellings (-hda, -cdrom, -nographic, -no-reboot, ...) are understood.\n";
    std::string_view topic;
    for (const OptionRow& row : option_table()) {
        if (row.topic != topic) text += fmt::format("\n{}:\n", row.topic);
        topic = row.topic;
        const std::string letter = row.letter == 0 ? "   " : fmt::format("-{},", row.letter);
        const std::string left = fmt::format("  {} --{}{}{}", letter, row.name,
                                             row.value.empty() || row.takes_value_only_glued() ? "" : " ", row.value);
        constexpr size_t column = 34;
        if (left.size() + 2 > column)
            text += fmt::format("{}\n{:{}}{}\n", left, "", column, row.help);
        else
            text += fmt::format("{:{}}{}\n", left, column, row.help);
    }
    text += "\nExit status: 0 power-off or --until; 2 usage; 4 file; 6 emulator; 8 triple fault; 10 time limit;\n"
            "12 instruction limit; 14 --fail-on; 16 reset (with --on reset=exit); 18 halted for ever;\n"
            "22 the engines differ (--engine check); 2V+1 debug exit with value V; 128+N signal N.\n";
    return text;
}

} // namespace truering
