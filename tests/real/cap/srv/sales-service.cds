using { tidegate.sales as db } from '../db/schema';

@path: '/odata/v4/sales'
@requires: 'any'
service SalesService {
  entity Accounts   as projection on db.Accounts;
  entity Orders     as projection on db.Orders;
  entity OrderItems as projection on db.OrderItems;

  // A page limit of its own, below that of the service.
  @cds.query.limit: { default: 100, max: 100 }
  @cds.redirection.target
  entity Products   as projection on db.Products;

  entity Nulls      as projection on db.Nulls;

  // Reading is refused with 405.
  @insertonly
  entity Inbox      as projection on db.Inbox;

  @odata.singleton
  entity Self       as select from db.Products { sku, variant, title };

  function orderCount(account : UUID) returns Integer;
}
