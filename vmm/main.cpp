// From the loader to the guest's first instruction: what Ringmaster does, in order.
#include "vmm/enter.hpp"
#include "vmm/guest.hpp"
#include "vmm/io.hpp"
#include "vmm/log.hpp"
#include "vmm/memory_map.hpp"
#include "vmm/options.hpp"
#include "vmm/paging.hpp"
#include "vmm/requirements.hpp"
#include "vmm/restart.hpp"
#include "vmm/run.hpp"

extern "C" [[noreturn]] void ringmaster_main(truering::u32 magic, const ringmaster::MultibootInfo* info);

namespace ringmaster {

namespace {

constexpr u32 multiboot_magic = 0x2BAD'B002;
constexpr u32 info_has_command_line = 1u << 2;

[[noreturn]] void give_up(const char* why) {
    use_screen();
    say("\nRingmaster cannot start: ", why, ".\n");
    stop(Ending::CannotStart);
}

void read_command_line(const MultibootInfo& info) {
    const bool given = (info.flags & info_has_command_line) != 0;
    const char* const unknown = given ? read_options(reinterpret_cast<const char*>(info.cmdline)) : nullptr;
    open_log(options.log);
    if (unknown != nullptr) say("Ringmaster: an option it does not know: ", unknown, "\n");
}

void move_away(const MultibootInfo& info) {
    if (!read_memory_map(info)) give_up("the loader gave no memory map");
    const PhysicalRange range = choose_hidden_range();
    if (range.size == 0) give_up("too little memory; 28 MiB will do");
    hide_in_map(range);
    move_there(range);
}

// All that the guest may handle by itself is redirected to it; what exits is what this VMM has a reason to see.
void set_up_area() {
    constexpr u32 memory_vector = 0x15;
    constexpr u32 page_fault = static_cast<u32>(Vector::PF);
    area.revision = V32_REVISION;
    for (u32 n = 0; n < sizeof area.redirect_events; ++n) area.redirect_events[n] = area.redirect_software[n] = 0xFF;
    area.redirect_software[memory_vector / 8] &= static_cast<u8>(~bit(memory_vector % 8));
    if (options.paging == PagingPolicy::Shadow) {
        area.redirect_events[page_fault / 8] &= static_cast<u8>(~bit(page_fault % 8));
        area.controls |= INVLPG_EXIT;
    }
    set_up_io();
    wrmsr(msr_V32_VCA, physical(&area) | V32_VCA_ENABLE);
}

} // namespace

} // namespace ringmaster

void ringmaster_main(truering::u32 magic, const ringmaster::MultibootInfo* info) {
    using namespace ringmaster;
    load_idt();
    if (magic != multiboot_magic) give_up("not loaded by a Multiboot loader");
    read_command_line(*info);
    require_V32_mode();
    move_away(*info);
    set_up_area();
    find_paging_model();
    start_guest();
    say("Ringmaster: hidden at ", Hex{hidden.base}, "-", Hex{hidden.end() - 1}, ", if=",
        options.if_policy == IF_SHADOW ? "shadow"
        : options.if_policy == IF_TRAP ? "trap"
                                       : "direct",
        options.paging == PagingPolicy::Shadow ? ", paging=shadow\n" : ", paging=guest\n");
    run();
}
