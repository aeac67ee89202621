#include "encoder/window/scheduling.hpp"

#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace troupe::av {

void prefer_throughput() noexcept {
  sched_param none{};
  sched_setscheduler(0, SCHED_BATCH, &none);
}

void take_what_is_left() noexcept {
  sched_param none{};
  sched_setscheduler(0, SCHED_IDLE, &none);
}

void forgo_real_time() noexcept {
  ::prctl(PR_CAPBSET_DROP, CAP_SYS_NICE); // otherwise a program that root starts has it again
  __user_cap_header_struct of_this_thread{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &of_this_thread, rights) != 0)
    return;
  auto& word = rights[CAP_TO_INDEX(CAP_SYS_NICE)];
  word.effective &= ~CAP_TO_MASK(CAP_SYS_NICE);
  word.permitted &= ~CAP_TO_MASK(CAP_SYS_NICE);
  word.inheritable &= ~CAP_TO_MASK(CAP_SYS_NICE);
  ::syscall(SYS_capset, &of_this_thread, rights);
}

} // namespace troupe::av
