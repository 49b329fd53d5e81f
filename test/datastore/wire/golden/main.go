// Prints messages as etcd's own library encodes them, for golden.test.ts to compare with:
//
//	go run . > messages.json
package main

import (
	"encoding/hex"
	"encoding/json"
	"os"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/protobuf/proto"
)

func main() {
	header := &pb.ResponseHeader{ClusterId: 1 << 52, MemberId: 7, Revision: 1234567, RaftTerm: 1}
	pair := &mvccpb.KeyValue{
		Key: []byte("/registry/\x00\xff"), CreateRevision: 300, ModRevision: 1 << 40, Version: 128,
		Value: []byte{0, 1, 0x80, 0xff}, Lease: 1<<62 + 1,
	}
	small := &mvccpb.KeyValue{Key: []byte("k"), CreateRevision: 2, ModRevision: 2, Version: 1}
	put := &pb.PutRequest{Key: []byte("k"), Value: []byte("v"), Lease: -1, PrevKv: true, IgnoreValue: true, IgnoreLease: true}
	list := &pb.RangeRequest{
		Key: []byte("a"), RangeEnd: []byte{0}, Limit: 500, Revision: 9, SortOrder: pb.RangeRequest_DESCEND,
		SortTarget: pb.RangeRequest_VALUE, Serializable: true, KeysOnly: true, CountOnly: true,
		MinModRevision: 1, MaxModRevision: 1<<53 - 1, MinCreateRevision: 3, MaxCreateRevision: 4,
	}
	remove := &pb.DeleteRangeRequest{Key: []byte("a"), RangeEnd: []byte("b"), PrevKv: true}
	messages := map[string]proto.Message{
		"KeyValue":            pair,
		"RangeRequest":        list,
		"RangeResponse":       &pb.RangeResponse{Header: header, Kvs: []*mvccpb.KeyValue{pair, small}, More: true, Count: 3},
		"PutRequest":          put,
		"PutResponse":         &pb.PutResponse{Header: header, PrevKv: small},
		"DeleteRangeRequest":  remove,
		"DeleteRangeResponse": &pb.DeleteRangeResponse{Header: header, Deleted: 2, PrevKvs: []*mvccpb.KeyValue{small, pair}},
		"TxnRequest": &pb.TxnRequest{
			Compare: []*pb.Compare{
				{Key: []byte("a"), Target: pb.Compare_MOD, TargetUnion: &pb.Compare_ModRevision{ModRevision: 5}},
				{Key: []byte("a"), Target: pb.Compare_VERSION, Result: pb.Compare_GREATER, TargetUnion: &pb.Compare_Version{Version: 6}},
				{Key: []byte("a"), Target: pb.Compare_CREATE, Result: pb.Compare_LESS, TargetUnion: &pb.Compare_CreateRevision{CreateRevision: 7}},
				{Key: []byte("a"), Target: pb.Compare_VALUE, Result: pb.Compare_NOT_EQUAL, TargetUnion: &pb.Compare_Value{Value: []byte("x")}},
				{Key: []byte("a"), Target: pb.Compare_LEASE, TargetUnion: &pb.Compare_Lease{Lease: 1 << 62}},
				{Key: []byte("a"), RangeEnd: []byte("b")},
			},
			Success: []*pb.RequestOp{
				{Request: &pb.RequestOp_RequestPut{RequestPut: put}},
				{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: remove}},
				{Request: &pb.RequestOp_RequestTxn{RequestTxn: &pb.TxnRequest{
					Failure: []*pb.RequestOp{{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte("a")}}}},
				}}},
			},
			Failure: []*pb.RequestOp{{Request: &pb.RequestOp_RequestRange{RequestRange: list}}},
		},
		"TxnResponse": &pb.TxnResponse{Header: header, Succeeded: true, Responses: []*pb.ResponseOp{
			{Response: &pb.ResponseOp_ResponsePut{ResponsePut: &pb.PutResponse{Header: &pb.ResponseHeader{Revision: 8}}}},
			{Response: &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: &pb.DeleteRangeResponse{Deleted: 1}}},
			{Response: &pb.ResponseOp_ResponseRange{ResponseRange: &pb.RangeResponse{Kvs: []*mvccpb.KeyValue{small}, Count: 1}}},
			{Response: &pb.ResponseOp_ResponseTxn{ResponseTxn: &pb.TxnResponse{}}},
		}},
		"CompactionRequest": &pb.CompactionRequest{Revision: 77, Physical: true},
		"WatchCreate": &pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: &pb.WatchCreateRequest{
			Key: []byte("a"), RangeEnd: []byte("b"), StartRevision: -1, ProgressNotify: true, PrevKv: true, WatchId: 3, Fragment: true,
			Filters: []pb.WatchCreateRequest_FilterType{pb.WatchCreateRequest_NOPUT, pb.WatchCreateRequest_NODELETE},
		}}},
		"WatchCancel":   &pb.WatchRequest{RequestUnion: &pb.WatchRequest_CancelRequest{CancelRequest: &pb.WatchCancelRequest{WatchId: 3}}},
		"WatchProgress": &pb.WatchRequest{RequestUnion: &pb.WatchRequest_ProgressRequest{ProgressRequest: &pb.WatchProgressRequest{}}},
		"WatchResponse": &pb.WatchResponse{Header: header, WatchId: -1, Created: true, Canceled: true, CompactRevision: 4, CancelReason: "größer", Fragment: true,
			Events: []*mvccpb.Event{{Type: mvccpb.Event_DELETE, Kv: small, PrevKv: pair}, {Kv: pair}}},
		"LeaseGrantRequest":       &pb.LeaseGrantRequest{TTL: 60, ID: 1<<62 + 1},
		"LeaseGrantResponse":      &pb.LeaseGrantResponse{Header: header, ID: 1<<62 + 1, TTL: 60, Error: "e"},
		"LeaseKeepAliveResponse":  &pb.LeaseKeepAliveResponse{Header: header, ID: 5, TTL: 60},
		"LeaseTimeToLiveRequest":  &pb.LeaseTimeToLiveRequest{ID: 5, Keys: true},
		"LeaseTimeToLiveResponse": &pb.LeaseTimeToLiveResponse{Header: header, ID: 5, TTL: -1, GrantedTTL: 60, Keys: [][]byte{[]byte("a"), {0xff}}},
		"LeaseLeasesResponse":     &pb.LeaseLeasesResponse{Header: header, Leases: []*pb.LeaseStatus{{ID: 5}, {ID: 1 << 62}}},
		"StatusResponse": &pb.StatusResponse{Header: header, Version: "3.6.11", DbSize: 1 << 33, Leader: 7, RaftIndex: 9, RaftTerm: 1,
			RaftAppliedIndex: 9, Errors: []string{"a", "b"}, DbSizeInUse: 4096, IsLearner: true, StorageVersion: "3.6.0", DbSizeQuota: 5},
		"AlarmResponse":      &pb.AlarmResponse{Header: header, Alarms: []*pb.AlarmMember{{MemberID: 7, Alarm: pb.AlarmType_CORRUPT}}},
		"MemberListResponse": &pb.MemberListResponse{Header: header, Members: []*pb.Member{{ID: 7, Name: "n", PeerURLs: []string{"p"}, ClientURLs: []string{"c", "d"}, IsLearner: true}}},
		"AuthStatusResponse": &pb.AuthStatusResponse{Header: header, Enabled: true, AuthRevision: 1},
	}
	encoded := map[string]string{}
	for name, message := range messages {
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
		if err != nil {
			panic(err)
		}
		encoded[name] = hex.EncodeToString(bytes)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(encoded); err != nil {
		panic(err)
	}
}
