// The words of option values: sizes, counts, durations, moments, drives, processors. All throw UsageError with a
// message that says what would be right.
#pragma once

#include "machine/pc_config.hpp"
#include "machine/when.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace truering {

class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Bytes: "64" is MiB, as for QEMU; suffixes K, M, G.
u64 parse_memory(const std::string& text);
// "5e9", "1000000", "10M" (decimal suffixes k, M, G).
u64 parse_count(const std::string& text);
// Seconds: "60", "60s", "1.5s", "200ms", "2m", "1h".
double parse_seconds(const std::string& text);
// Decimal or 0x.., at most `largest`.
u64 parse_number(const std::string& text, u64 largest);
bool parse_switch(const std::string& text); // on, off and their synonyms

// A time, "N insns" as "5000000i", "text:REGEX" or "exit".
When parse_when(const std::string& text);
// "VALUE@WHEN": what stands before the last @ behind which a moment stands; without one, `otherwise`.
std::pair<std::string, When> split_when(const std::string& text, const When& otherwise);

// "a,b=c" at its commas; a doubled comma is a comma. Pairs without '=' have the word as key and an empty value.
struct KeyValue {
    std::string key;
    std::string value;
    bool has_value = false;
};
std::vector<KeyValue> split_list(const std::string& text);

// "hd1=FILE" or "FILE": an image as an argument.
DriveRequest parse_image(const std::string& text);
// "file=F,if=hd1,mode=ro,format=raw,overlay=F2", with QEMU's keys as well.
DriveRequest parse_drive(const std::string& text);
// "pentium3,+sse2,-pae,v32=off,mhz=133": into the configuration.
void parse_cpu(const std::string& text, PcConfig& pc);
std::vector<std::string> cpu_feature_names();
// "pc,apic=off".
void parse_machine(const std::string& text, PcConfig& pc);
// "a", "dc", "cdrom", "order=cd,menu=on".
void parse_boot(const std::string& text, PcConfig& pc);
// Seconds since 1970 of "2000-01-01", "2000-01-01T12:00:00".
u64 parse_date(const std::string& text);

} // namespace truering
