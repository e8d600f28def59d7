#include "machine/empty_acpi.hpp"

#include "machine/kernel_image.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace truering {

namespace {

constexpr std::string_view pointer_file = "etc/acpi/rsdp";
constexpr std::string_view tables_file = "etc/acpi/tables";

constexpr size_t pointer_size = 20;
constexpr size_t pointer_checksum = 8;
constexpr size_t pointer_rsdt = 16;
constexpr size_t header_size = 36;
constexpr size_t header_checksum = 9;

void put_text(std::span<u8> to, size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
}

std::vector<u8> root_pointer() {
    std::vector<u8> bytes(pointer_size);
    put_text(bytes, 0, "RSD PTR ");
    put_text(bytes, 9, "TRUERG");
    return bytes; // address and checksum are the script's
}

std::vector<u8> empty_root_table() {
    std::vector<u8> bytes(header_size);
    put_text(bytes, 0, "RSDT");
    set_field_32(bytes, 4, header_size);
    bytes[8] = 1; // revision
    put_text(bytes, 10, "TRUERGNOTABLES");
    set_field_32(bytes, 24, 1);
    put_text(bytes, 28, "TRUE");
    set_field_32(bytes, 32, 1);
    bytes[header_checksum] = static_cast<u8>(0u - std::accumulate(bytes.begin(), bytes.end(), 0u));
    return bytes;
}

// The firmware's loader script: entries of 128 bytes.
class Script {
  public:
    enum Zone : u8 { High = 1, FSegment = 2 };

    void allocate(std::string_view file, u32 alignment, Zone zone) {
        const size_t at = entry(1);
        put_text(bytes_, at + 4, file);
        set_field_32(bytes_, at + 60, alignment);
        bytes_[at + 64] = zone;
    }
    // Adds the address of `target` to the field of 4 bytes in `file`.
    void add_pointer(std::string_view file, std::string_view target, u32 offset) {
        const size_t at = entry(2);
        put_text(bytes_, at + 4, file);
        put_text(bytes_, at + 60, target);
        set_field_32(bytes_, at + 116, offset);
        bytes_[at + 120] = 4;
    }
    void add_checksum(std::string_view file, u32 offset, u32 start, u32 length) {
        const size_t at = entry(3);
        put_text(bytes_, at + 4, file);
        set_field_32(bytes_, at + 60, offset);
        set_field_32(bytes_, at + 64, start);
        set_field_32(bytes_, at + 68, length);
    }
    [[nodiscard]] const std::vector<u8>& bytes() const { return bytes_; }

  private:
    size_t entry(u32 command) {
        constexpr size_t entry_size = 128;
        const size_t at = bytes_.size();
        bytes_.resize(at + entry_size);
        set_field_32(bytes_, at, command);
        return at;
    }

    std::vector<u8> bytes_;
};

} // namespace

void add_empty_acpi(FwCfg& fw_cfg) {
    constexpr u32 paragraph = 16;
    Script script;
    script.allocate(pointer_file, paragraph, Script::FSegment);
    script.allocate(tables_file, paragraph, Script::High);
    script.add_pointer(pointer_file, tables_file, pointer_rsdt);
    script.add_checksum(pointer_file, pointer_checksum, 0, pointer_size);
    fw_cfg.add_file(pointer_file, root_pointer());
    fw_cfg.add_file(tables_file, empty_root_table());
    fw_cfg.add_file("etc/table-loader", script.bytes());
}

} // namespace truering
