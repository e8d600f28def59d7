// The processor: architectural state, and the machinery that runs it.
//
// The work is done by functions in headers of their own, each of which takes the Cpu:
//
//   access.hpp        guarded reads and writes: limit, rights, paging, breakpoints
//   paging.hpp        linear to physical; page faults; filling the TLB
//   segmentation.hpp  loading segment registers, reading descriptors
//   exceptions.hpp    raising: a fault is recorded here and travels as Outcome::Fault
//   delivery.hpp      events to handlers: gates, real mode's IVT, virtual-8086 mode, double fault, shutdown
//   task_switch.hpp   hardware task switches
//   events.hpp        what is looked at between two instructions, in the SDM's order of priority
//   admission.hpp     the checks before an instruction: privilege, and V32's exits
//   control.hpp       writing control, debug and model-specific registers with all that follows
//   interpreter/      decoded blocks, dispatch, the run loop
//   own/              instructions written by hand;  semantics/  bodies on values
#pragma once

#include "base/outcome.hpp"
#include "cpu/exception.hpp"
#include "cpu/model.hpp"
#include "cpu/semantics/sse_host.hpp"
#include "cpu/state.hpp"
#include "cpu/tlb.hpp"
#include "decoder/decoder.hpp"
#include "memory/clock.hpp"
#include "memory/interrupt_source.hpp"
#include "memory/line.hpp"
#include "memory/physical_memory.hpp"
#include "memory/port_bus.hpp"

#include <algorithm>
#include <atomic>
#include <memory>

namespace truering {

class BlockCache;
class BlockRunner;
struct Block;
struct Operation;

// Why run() came back.
enum class StopReason : u8 {
    Budget,   // all instructions of the budget have been executed
    Halted,   // HLT, and no event to leave it: time may be advanced to the next alarm
    Shutdown, // a fault during the delivery of a double fault: the processor waits for RESET
    Request,  // request_stop(); noticed within some ten thousand instructions
};

struct RunResult {
    StopReason reason;
    u64 executed; // instructions in this run
};

// Conditions that the run loop must look at before the next instruction; 0 is the fast path.
enum Attention : u32 {
    attention_interrupt = 1, // the line is up and IF is set
    attention_nmi = 2,
    attention_step = 4,  // TF, RF, an interrupt shadow, an enabled breakpoint: one instruction at a time
    attention_debug = 8, // pending_debug
    attention_halt = 16,
    attention_init = 32,
    attention_shutdown = 64,
    attention_v32 = 128,   // an exit of V32 mode, or an injected event, may stand at this boundary
    attention_fault = 256, // pending_fault
};

// The events that led to a shutdown, for the message that tells the user: the first, where it was benign the fault
// that took its place, the one that made a double fault, and the last.
struct FaultChain {
    Event event[4];
    unsigned count = 0;
    u32 eip = 0; // and the instruction at which it began
    u16 cs = 0;
};

class Cpu final : public CpuState, private MemoryListener {
  public:
    Cpu(const CpuModel& model, PhysicalMemory& memory, PortBus& ports, const Clock& clock);
    ~Cpu();
    Cpu(const Cpu&) = delete;
    Cpu& operator=(const Cpu&) = delete;

    // ---- For the machine
    void reset();       // RESET# (SDM vol. 3A, 9.1)
    void init_signal(); // INIT#, taken at the next boundary; in V32 mode it is an exit
    void connect_interrupts(InterruptSource& source) { interrupt_source_ = &source; }
    void set_interrupt_line(unsigned, bool level); // INTR, level-triggered
    void set_nmi_line(unsigned, bool level);       // NMI, on the rising edge
    void set_a20_line(unsigned, bool level);       // A20M# inactive is level = true
    void set_ignne_line(unsigned, bool level) { ignne = level; }
    void request_stop() { stop_requested_.store(true, std::memory_order_relaxed); } // from any thread or signal handler
    // Called from within a run, by a chip or an alarm: run() returns with StopReason::Budget after that many more
    // instructions, or at the end of the block or REP that is then in execution.
    void shorten_run(u64 instructions) {
        run_end_ = std::min(run_end_, retired() + instructions);
        pause_at_ = std::min(pause_at_, run_end_);
    }
    Line ferr;              // FERR#: an unmasked x87 error with CR0.NE = 0
    Line apic_base_changed; // the local APIC is enabled, by bit 11 of IA32_APIC_BASE

    // Executes at most `budget` instructions (each iteration of a REP counts as one).
    RunResult run(u64 budget);
    // Instructions executed since construction, exact even from within an instruction's port or memory access.
    [[nodiscard]] u64 retired() const;
    [[nodiscard]] const FaultChain& fault_chain() const { return faults; }
    // Number of executions of each row of the table, when coverage is on; empty otherwise.
    void enable_coverage();
    [[nodiscard]] const std::vector<u64>& coverage() const { return coverage_; }

    // The time-stamp counter: `tsc_hertz` of virtual time, plus what was written to it.
    u64 tsc_hertz = 1'000'000'000;
    [[nodiscard]] u64 read_tsc() const;

    // ---- For the rest of cpu/
    const CpuModel model;
    PhysicalMemory& memory;
    PortBus& ports;
    const Clock& clock;
    Tlb tlb;
    TlbView* tlb_view = nullptr;   // what the fast path looks at, chosen by update_view()
    TlbView* fetch_view = nullptr; // the same for fetches: no data breakpoint and no alignment concerns them
    u64 a20_mask = ~u64{0};
    bool ignne = false;
    HostMxcsr host_mxcsr; // the guest's MXCSR in the host's register while SSE runs: leave() before host floating point
    // Which of the guest's register files are in the host's units instead of `fpu` and `sse`, as bits of HostUnit
    // (jit/). Only while translated code runs: it gives them back before anything else may look.
    u8 units_resident = 0;

    u32 attention = 0;
    Event fault;                  // set by whoever returned Outcome::Fault
    u8 cast_shadow = 0;           // what STI has set in `interruptibility` since the instruction began
    bool event_delivered = false; // since the instruction began: no single-step trap follows
    // INT n, INT3, INTO or INT1 whose delivery raised `fault`; deliver() takes it over.
    std::optional<Event> interrupted_delivery;
    u8 instruction_length = 0; // of the instruction that raised `fault`; 0 at a boundary and for a fault of its fetch
    FaultChain faults;

    // Of the block in execution: EIP of its first instruction, and the operation at which its chain ended.
    u32 block_eip = 0;
    const Operation* stopped_at = nullptr;

    u64 extra_retired = 0; // iterations of a REP instruction beyond its first, since the run loop last counted

    [[nodiscard]] bool has(Feature feature) const { return model.features.has(feature); }
    [[nodiscard]] u32 stack_mask() const { return segment[seg_SS].is_32bit() ? ~u32{0} : 0xFFFF; }
    [[nodiscard]] CodeSize code_size() const {
        return segment[seg_CS].is_32bit() ? CodeSize::Bits32 : CodeSize::Bits16;
    }
    [[nodiscard]] InterruptSource* interrupt_source() const { return interrupt_source_; }
    [[nodiscard]] bool interrupt_line() const { return interrupt_line_; }
    [[nodiscard]] bool take_nmi() { return nmi_pending_ && !(nmi_pending_ = false); }
    [[nodiscard]] bool nmi_pending() const { return nmi_pending_; }

    void take_init(); // what INIT does in root

    // The MSR V32_VCA (docs/v32.md 2): drops the guest's translations, and decides over A20M#.
    void write_v32_vca(u64 value);

    // To be called after a change of what they name, to bring derived state up to date.
    void update_attention(); // IF, TF, RF, interruptibility, pending_debug, DR7, halted, lines
    void update_view();      // CPL, CR0.AM, EFLAGS.AC, DR7
    void update_segments();  // CR0.PE, EFLAGS.VM: whether rights apply to the caches
    void set_cpl(u8 level);
    // Writes EFLAGS bits of `mask`, all derived state included.
    void set_eflags(u32 value, u32 mask);
    // Writes a segment register whole; CS sets no CPL.
    void set_segment(SegmentIndex index, const Segment& value);

    void flush_tlb() { tlb.flush_all(); }                   // everything of the present side, in V32 mode or in root
    void flush_both_sides();                                // the physical address space has changed
    void flush_tlb_non_global() { tlb.flush_non_global(); } // as MOV CR3 does
    void flush_tlb_page(u32 linear) { tlb.flush_page(linear); }

    // How many iterations a REP instruction may do before the run loop must look around.
    [[nodiscard]] u64 iterations_allowed() const;
    [[nodiscard]] BlockCache& blocks() { return *blocks_; }
    // Another way to run blocks than the interpreter's; null: none. It must outlive the processor or be taken away.
    void set_block_runner(BlockRunner* runner);

    // A page of RAM is about to hold decoded code: stores to it go the slow way.
    void mark_code(u64 physical, u32 size);

  private:
    friend class RunLoop;
    friend class NativeLayout; // jit/: where translated code finds what it needs

    void set_reset_state();
    void update_a20();
    void mapping_changed() override;
    void code_written(Physical first, u32 size) override;

    InterruptSource* interrupt_source_ = nullptr;
    bool interrupt_line_ = false;
    bool a20_line_ = true;
    bool nmi_line_ = false;
    bool nmi_pending_ = false;

    std::unique_ptr<BlockCache> blocks_;
    BlockRunner* block_runner_ = nullptr;
    const Block* current_block_ = nullptr; // in execution
    u64 retired_ = 0;                      // up to the beginning of the block
    u64 run_end_ = 0;                      // run() returns when retired_ reaches it
    u64 pause_at_ = 0;                     // where the run loop looks for request_stop() again
    std::vector<u64> coverage_;
    std::atomic<bool> stop_requested_{false};
};

} // namespace truering
