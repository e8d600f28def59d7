// Descriptors and segment loads for a task switch (SDM vol. 3A, 7.3 and 5.2..5.7).
//
// Every step returns Step::Faulted once something is wrong, with the fault kept here; the caller goes no further.
// Segment registers of the record change only when all checks and accesses of their load have succeeded.
#pragma once

#include "vmm/task_switch.hpp"

namespace ringmaster {

enum class Step : u8 { Done, Faulted };

// The vectors that a task switch can raise (SDM vol. 3A, table 6-1).
enum class TaskFault : u8 { DB = 1, DF = 8, TS = 10, NP = 11, SS = 12, GP = 13, PF = 14 };

enum RecordSegment : unsigned { in_ES, in_CS, in_SS, in_DS, in_FS, in_GS, in_LDTR, in_TR };

// A descriptor as a table holds it.
struct TableDescriptor {
    u16 selector = 0;
    u32 linear = 0; // of its eight bytes
    u32 low = 0, high = 0;

    [[nodiscard]] unsigned type() const { return (high >> 8) & 0xF; }
    [[nodiscard]] bool is_system() const { return (high & 1u << 12) == 0; }
    [[nodiscard]] bool is_code() const { return !is_system() && (type() & 8) != 0; }
    [[nodiscard]] bool is_conforming_code() const { return is_code() && (type() & 4) != 0; }
    [[nodiscard]] bool is_writable_data() const { return !is_system() && (type() & 0xA) == 2; }
    [[nodiscard]] bool is_readable() const { return !is_system() && (type() & 0xA) != 8; }
    [[nodiscard]] bool is_present() const { return (high & 1u << 15) != 0; }
    [[nodiscard]] unsigned DPL() const { return (high >> 13) & 3; }
    [[nodiscard]] unsigned RPL() const { return selector & 3u; }
    [[nodiscard]] u32 base() const { return low >> 16 | (high & 0xFF) << 16 | (high & 0xFF00'0000); }
    [[nodiscard]] u32 limit() const;
    [[nodiscard]] v32::SegmentRecord record() const;
};

constexpr bool is_null(u16 selector) { return selector <= 3; }

class TaskSegments {
  public:
    TaskSegments(v32::StateRecord& guest, const TaskMemory& memory) : guest_(guest), memory_(memory) {}

    // What stopped it.
    TaskFault vector = TaskFault::GP;
    u32 error_code = 0;
    u32 fault_linear = 0; // with PF

    Step fail(TaskFault with, u32 code);

    template <class T> Step read(u32 linear, T& value) { return read(linear, &value, sizeof value); }
    template <class T> Step write(u32 linear, const T& value) { return write(linear, &value, sizeof value); }
    Step read(u32 linear, void* to, u32 size);
    Step write(u32 linear, const void* from, u32 size);
    Step probe(u32 linear, u32 size);
    Step push(u32 linear, const void* from, u32 size); // at the guest's own privilege
    Step load_CR3(u32 value);

    // From GDT or LDT; `with`(selector) if there is none.
    Step find(u16 selector, TaskFault with, TableDescriptor& found);

    // Of the incoming task, whose CR3 is loaded. Segments hold selectors alone until then.
    Step load_LDTR(u16 selector);
    Step load_SS(u16 selector, unsigned level);
    Step load_data(unsigned index, u16 selector);
    Step load_CS(u16 selector);
    void load_8086(unsigned index, u16 selector);
    void load_null(unsigned index, u16 selector);

  private:
    Step set_accessed(TableDescriptor& descriptor);

    v32::StateRecord& guest_;
    const TaskMemory& memory_;
};

} // namespace ringmaster
