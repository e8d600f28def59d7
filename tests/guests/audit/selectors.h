// The selectors of the kernel's GDT and of the monitor's, for C++ and assembler.
//
// The first six stand in both tables; what the monitor changes of them is its affair (tables.cpp). The rest is each one's
// own.
#ifndef TRUERING_AUDIT_SELECTORS_H
#define TRUERING_AUDIT_SELECTORS_H

#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE 0x18
#define USER_DATA 0x20
#define PRIVATE_DATA 0x28 // a data segment of DPL 0 that nothing has loaded yet

#define KERNEL_LDT 0x30
#define KERNEL_TSS 0x38

#define MONITOR_CODE 0x40
#define MONITOR_DATA 0x48
#define MONITOR_LDT 0x50
#define MONITOR_TSS 0x58

#define RPL_USER 3

#define VECTOR_DONE 0x41   // a probe is at its end
#define VECTOR_KERNEL 0x50 // a software interrupt of the kernel's own
#define VECTORS 0x60

#endif
