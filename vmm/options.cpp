#include "vmm/options.hpp"

namespace ringmaster {

Options options;

namespace {

struct Word {
    const char* text;
    void (*apply)();
};

constexpr u32 live_interval = 100'000;

constexpr Word words[] = {
    {"if=shadow", [] { options.if_policy = IF_SHADOW; }},
    {"if=trap", [] { options.if_policy = IF_TRAP; }},
    {"if=direct", [] { options.if_policy = IF_DIRECT; }},
    {"paging=shadow", [] { options.paging = PagingPolicy::Shadow; }},
    {"paging=guest", [] { options.paging = PagingPolicy::Guest; }},
    {"boot=next", [] { options.boot = BootFrom::NextDevice; }},
    {"boot=reset", [] { options.boot = BootFrom::Firmware; }},
    {"boot=fd0", [] { options.boot = BootFrom::Floppy; }},
    {"boot=hd0", [] { options.boot = BootFrom::FirstDisk; }},
    {"boot=hd1", [] { options.boot = BootFrom::SecondDisk; }},
    {"reset=restart", [] { options.reset = OnReset::Restart; }},
    {"reset=stop", [] { options.reset = OnReset::Stop; }},
    {"log=e9", [] { options.log = LogTarget::DebugPort; }},
    {"log=com1", [] { options.log = LogTarget::Com1; }},
    {"log=com2", [] { options.log = LogTarget::Com2; }},
    {"log=none", [] { options.log = LogTarget::None; }},
    {"live", [] { options.live = live_interval; }},
    {"trace", [] { options.trace = true; }},
};

// The word at `text` is `word`; returns what follows it, or null.
const char* match(const char* text, const char* word) {
    while (*word != 0)
        if (*text++ != *word++) return nullptr;
    return *text == 0 || *text == ' ' ? text : nullptr;
}

// "live=N" beside the plain "live".
const char* match_live(const char* text) {
    for (const char* name = "live="; *name != 0;)
        if (*text++ != *name++) return nullptr;
    u32 number = 0;
    for (; *text >= '0' && *text <= '9'; ++text) number = number * 10 + static_cast<u32>(*text - '0');
    if (*text != 0 && *text != ' ') return nullptr;
    options.live = number;
    return text;
}

const char* read_word(const char* text) {
    for (const Word& word : words)
        if (const char* const rest = match(text, word.text)) {
            word.apply();
            return rest;
        }
    return match_live(text);
}

} // namespace

const char* read_options(const char* command_line) {
    const char* unknown = nullptr;
    bool first = true;
    for (const char* text = command_line; *text != 0;) {
        if (*text == ' ') {
            ++text;
            continue;
        }
        const char* rest = read_word(text);
        if (rest == nullptr) {
            if (!first && unknown == nullptr) unknown = text;
            for (rest = text; *rest != 0 && *rest != ' ';) ++rest;
        }
        first = false;
        text = rest;
    }
    return unknown;
}

} // namespace ringmaster
