#pragma once

#include <Kokkos_Core.hpp>
#include <type_traits>

namespace koushi {

/// Whether the kernels of this build run on the processor itself, not on a GPU.
inline constexpr bool kernels_on_host =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, Kokkos::DefaultExecutionSpace::memory_space>::accessible;

// Who works on one item (a walker, a row of sites) of a kernel. A CPU has one thread for it, whose vectors share the
// work; a GPU a warp, whose threads do, and neighbouring lanes then read neighbouring numbers. Both have
//   each(body)             body(lane), lane = 0 ... size - 1
//   once(body)             body(), by one lane
//   combine(result, part)  part(lane, value) sets a value; all of them joined are the result, which every lane gets:
//                          Value::identity(), value.join(other), in a fixed order
//   Shared<T>              a T that all lanes see; the kernel is started with for_items<sizeof(T)>
// What stands outside of these calls every lane does alike. No lane begins a call before all have come to it, and what
// one wrote in it all see after it.

struct SingleLane {
  static constexpr int size = 1;
  template <typename Body>
  KOKKOS_FORCEINLINE_FUNCTION void each(const Body& body) const {
    body(0);
  }
  template <typename Body>
  KOKKOS_FORCEINLINE_FUNCTION void once(const Body& body) const {
    body();
  }
  template <typename Value, typename Part>
  KOKKOS_FORCEINLINE_FUNCTION void combine(Value& result, const Part& part) const {
    part(0, result);
  }
  template <typename T>
  struct Shared {
    T value;
    KOKKOS_FORCEINLINE_FUNCTION explicit Shared(const SingleLane& /*team*/) {}
    KOKKOS_FORCEINLINE_FUNCTION T& operator*() { return value; }
  };
};

struct WarpLanes {
  static constexpr int size = 32;
  static constexpr int per_block = 4;
  /// on a multiprocessor at once, with no more registers than that allows (64): warps that wait for tables hide behind
  /// others
  static constexpr int blocks = 8;
  using Policy = Kokkos::TeamPolicy<Kokkos::DefaultExecutionSpace, Kokkos::LaunchBounds<per_block * size, blocks>>;
  using Member = typename Policy::member_type;
  const Member& member;

  template <typename Body>
  KOKKOS_FORCEINLINE_FUNCTION void each(const Body& body) const {
    wait();
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(member, size), body);
  }
  template <typename Body>
  KOKKOS_FORCEINLINE_FUNCTION void once(const Body& body) const {
    wait();
    Kokkos::single(Kokkos::PerThread(member), body);
  }
  template <typename Value, typename Part>
  KOKKOS_FORCEINLINE_FUNCTION void combine(Value& result, const Part& part) const {
    wait();
    Kokkos::parallel_reduce(
        Kokkos::ThreadVectorRange(member, size),
        [&](int lane, Value& value) {
          Value mine;
          part(lane, mine);
          value.join(mine);
        },
        Joined<Value>{&result});
  }
  template <typename T>
  struct Shared {
    T* value;
    KOKKOS_FORCEINLINE_FUNCTION explicit Shared(const WarpLanes& team)
        : value(static_cast<T*>(team.member.thread_scratch(0).get_shmem_aligned(sizeof(T), alignof(T)))) {}
    KOKKOS_FORCEINLINE_FUNCTION T& operator*() { return *value; }
  };

 private:
  /// The end of `single` is where lanes meet.
  KOKKOS_FORCEINLINE_FUNCTION void wait() const {
    Kokkos::single(Kokkos::PerThread(member), [] {});
  }

  template <typename Value>
  struct Joined {
    using reducer = Joined;
    using value_type = Value;
    using result_view_type = Kokkos::View<Value, Kokkos::AnonymousSpace, Kokkos::MemoryUnmanaged>;
    Value* result;
    KOKKOS_FORCEINLINE_FUNCTION void join(Value& to, const Value& from) const { to.join(from); }
    KOKKOS_FORCEINLINE_FUNCTION void init(Value& value) const { value = Value::identity(); }
    KOKKOS_FORCEINLINE_FUNCTION Value& reference() const { return *result; }
    KOKKOS_FORCEINLINE_FUNCTION result_view_type view() const { return result_view_type(result); }
  };
};

using LaneTeam = std::conditional_t<kernels_on_host, SingleLane, WarpLanes>;

/// n sums, for combine().
template <typename T, int n>
struct LaneSums {
  T sum[n];
  KOKKOS_FORCEINLINE_FUNCTION static LaneSums identity() { return {}; }
  KOKKOS_FORCEINLINE_FUNCTION void join(const LaneSums& other) {
    for (int m = 0; m < n; ++m) sum[m] += other.sum[m];
  }
};

/// body(team, item) for each item; shared: bytes of what its lanes share.
template <int shared = 0, typename Body>
void for_items(const char* label, const Kokkos::DefaultExecutionSpace& space, int n_items, const Body& body) {
  if constexpr (kernels_on_host) {
    Kokkos::parallel_for(
        label, Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n_items),
        KOKKOS_LAMBDA(int item) { body(SingleLane{}, item); });
  } else {
    constexpr int teams = WarpLanes::per_block;
    WarpLanes::Policy policy(space, (n_items + teams - 1) / teams, teams, WarpLanes::size);
    if (shared > 0) policy.set_scratch_size(0, Kokkos::PerThread(shared + 16));  // room to align
    Kokkos::parallel_for(
        label, policy, KOKKOS_LAMBDA(const WarpLanes::Member& member) {
          const int item = member.league_rank() * teams + member.team_rank();
          if (item < n_items) body(WarpLanes{member}, item);
        });
  }
}

}  // namespace koushi
