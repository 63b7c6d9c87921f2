// Reading from the server once more what is stored already, where there is a doubt that both are the same.
#include <optional>

#include "libsync/base/digest.h"
#include "libsync/sync/octet_counter.h"
#include "libsync/sync/print.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

// What the server has under a row's key.
struct There {
  Id content{};  // empty: it could not be read
  Id print{};
  uint64_t octets = 0;  // a bare LF counted as CRLF
};

class ThereSink final : public MessageSink {
 public:
  ThereSink(const std::vector<Row>& rows, std::vector<There>& there) : rows_(rows), there_(there) {}
  Status begin(uint64_t, uint64_t) override {
    hash_ = {};
    print_ = {};
    octets_ = {};
    return {};
  }
  Status data(std::string_view bytes) override {
    hash_.update(bytes);
    print_.update(bytes);
    octets_.update(bytes);
    return {};
  }
  Status end(uint64_t token) override {
    there_[token] = {"sha256:" + to_hex(hash_.finish()), print_.finish(rows_[token].size), octets_.count()};
    return {};
  }
  Status failed(uint64_t, const Error&) override { return {}; }
  void broke_off(uint64_t token) override { broke_off_in = token; }

  std::optional<uint64_t> broke_off_in{};

 private:
  const std::vector<Row>& rows_;
  std::vector<There>& there_;
  Sha256 hash_;
  PrintBuilder print_;
  OctetCounter octets_;
};

Status compare(Run& run, Row& row, const There& there) {
  row.doubt = Doubt::None;
  if (there.content == row.content) {
    row.inferred = false;
    row.print = there.print;
    run.compared.insert(row.id);
    const bool lacking = there.octets < row.size && !run.a.capabilities().counted_fetch;
    if (lacking) row.doubt = Doubt::Short;
  } else {
    TB_TRY(set_apart(run, row));
  }
  settle(row, run.context);
  TB_TRY(run.link.put(row));
  return {};
}

}  // namespace

// What these say has shown not to tell the two apart: it is not to bind them again.
void lose_place(Row& row) {
  row.half(Side::A).at = At::Gone;
  row.half(Side::A).key = {};
  row.half(Side::A).instance.clear();
  row.object.clear();
  row.print.clear();
}

Status set_apart(Run& run, Row& row) {
  Row fresh;
  fresh.half(Side::A) = row.half(Side::A);
  fresh.size = row.size;
  fresh.date = row.date;
  lose_place(row);
  settle(fresh, run.context);
  TB_TRY(run.link.put(fresh));
  return {};
}

Status read_again(Run& run, std::vector<Row>& rows, const std::function<bool(const Row&)>& doubtful) {
  std::vector<FetchItem> items;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Half& half = rows[i].half(Side::A);
    if (half.at != At::Bound || !doubtful(rows[i])) continue;
    const Pair::End& end = run.book.find(half.pair)->at(Side::A);
    items.push_back({.token = i, .ref = {end.box, end.epoch, half.key}, .size = rows[i].size});
  }
  if (items.empty()) return {};
  std::vector<There> there(rows.size());
  ThereSink sink(rows, there);
  Status fetched = run.a.fetch(items, sink, run.stop);
  if (sink.broke_off_in) TB_TRY(broke_off(run, rows[*sink.broke_off_in], Doubt::ReadLast));
  TB_TRY(with_end_told(run, std::move(fetched)));
  TB_ASSIGN(auto batch, run.link.begin());
  for (const FetchItem& item : items) {
    if (!there[item.token].content.empty()) TB_TRY(compare(run, rows[item.token], there[item.token]));
  }
  return batch->commit();
}

Status read_doubtful_again(Run& run) {
  RowId after = 0;
  while (true) {
    TB_ASSIGN(auto rows, run.link.doubtful(Doubt::ReadAgain, after, kRowsAtOnce));
    if (rows.empty()) return {};
    after = rows.back().id;
    TB_TRY(read_again(run, rows, [](const Row&) { return true; }));
  }
}

}  // namespace libsync::sync
