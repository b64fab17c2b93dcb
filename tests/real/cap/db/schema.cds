// The model behind the test server: every OData type that CAP has, three kinds
// of keys, associations, a composition, names that SQL reserves.
namespace tidegate.sales;

type Region  : String(8) enum { EMEA; AMER; APJ; LATAM };
type Status  : String(1) enum { open = 'O'; active = 'A'; closed = 'C' };
type Priority : Integer enum { low = 1; normal = 2; high = 3 };

entity Accounts {
  key ID         : UUID;
      name       : String(120) not null;
      region     : Region;
      status     : Status not null default 'O';
      revenue    : Decimal(15, 2);
      employees  : Integer;
      rating     : Double;
      active     : Boolean;
      founded    : Date;
      createdAt  : DateTime not null;
      email      : String(200);
      notes      : String(1000);
      @odata.etag
      @cds.on.insert : $now
      @cds.on.update : $now
      modifiedAt : Timestamp not null;
      orders     : Association to many Orders on orders.account = $self;
}

entity Orders {
  key ID        : Integer;
      account   : Association to Accounts not null;
      product   : Association to Products;
      amount    : Decimal(15, 2) not null;
      orderDate : Date not null;
      placedAt  : Timestamp;
      serial    : Integer64 not null;
      quantity  : Int16;
      priority  : Priority;
      note      : String;
      items     : Composition of many OrderItems on items.order = $self;
}

entity OrderItems {
  key order    : Association to Orders;
  key pos      : Integer;
      text     : String(60);
      price    : Decimal(9, 3);
}

entity Products {
  key sku      : String(20);
  key variant  : String(10);
      title    : String(80) not null;
      price    : Decimal(10, 2);
      weight   : Double;
      ![group] : String(20);
      ![Größe] : String(5);
      launched : Time;
}

type Address {
  street : String(60);
  city   : String(60);
}

// Row i holds a value in column c for some i, null for the others; the first
// row is all null, the second all full.
entity Nulls {
  key id   : Integer;
      s    : String(40);
      text : LargeString;
      u    : UUID;
      b    : Boolean;
      u8   : UInt8;
      i16  : Int16;
      i32  : Int32;
      i64  : Int64;
      dec  : Decimal(9, 4);
      num  : Decimal;
      dbl  : Double;
      d    : Date;
      t    : Time;
      dt   : DateTime;
      ts   : Timestamp;
      bin  : Binary(16);
      addr : Address;
      tags : array of String;
}

entity Inbox {
  key ID   : UUID;
      text : String(100);
}
